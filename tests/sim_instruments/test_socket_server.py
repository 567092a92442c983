"""The raw socket: pieces, a second client, clients that vanish or do not read."""

from __future__ import annotations

import socket
import threading

import pytest

from mgd_lab.errors import ConfigurationError
from mgd_lab.wire import Status
from sim_instruments import tcp_connection
from sim_instruments.occupancy import Occupancy
from sim_instruments.socket_server import SocketServer

IDENTITY = b"MGD Lab,emulated chip,7,1.0\n"


class Core:
    """Answers what a test says, and remembers."""

    def __init__(self, answer=lambda message: message):
        self.answer = answer
        self.reports = []
        self.reported = threading.Event()

    def respond(self, message):
        return self.answer(message)

    def overrun(self, reason):
        self.report(Status.TOO_MUCH_DATA, reason)

    def report(self, status, reason=""):
        self.reports.append(status)
        self.reported.set()

    def status_byte(self, *, message_available):
        return 0


def test_messages_in_pieces_and_together(lab):
    client = lab.connect(lab.serve())
    client.send(b"*ID")
    client.send(b"N?\n*OPC?\nEXCH? #15a;\n;")
    client.send(b"b\n")
    assert [client.line(), client.line()] == [IDENTITY, b"1\n"]
    assert client.exactly(25).startswith(b"#220a;\n;")
    assert client.ask(b"*STB?\n") == b"4\n"


def test_block_larger_than_any_buffer_both_ways(lab):
    core = Core()
    client = lab.connect(lab.serve(core))
    message = b"X? #7" + b"3000000" + b"\n;" * 1_500_000 + b"\n"
    threading.Thread(target=client.send, args=(message,), daemon=True).start()
    assert client.exactly(len(message)) == message


def test_block_that_is_too_long_is_told_and_passed_over(lab):
    client = lab.connect(lab.serve())
    client.send(b"EXCH? #9100000000")
    for _ in range(100):
        client.send(b"\n" * 1_000_000)
    client.send(b"\n")
    assert client.ask(b"SYST:ERR?\n").startswith(b'-223,"Too much data;the blocks of a message')


def test_second_client_is_told_who_holds_the_device_and_the_first_goes_on(lab):
    server = lab.serve()
    first = lab.connect(server)
    assert first.ask(b"*IDN?\n") == IDENTITY
    holder = "{}:{}".format(*first.socket.getsockname())
    second = lab.connect(server)
    second.send(b"*IDN?\n*RST\n")
    words = f"the device is in use by {holder}, and takes one client at a time"
    assert second.line() == f'-200,"Execution error;{words}"\n'.encode()
    assert second.line() == b""
    assert first.ask(b"*OPC?\n") == b"1\n"


def test_two_endpoints_share_one_holder(lab):
    occupancy = lab.Occupancy(0.1)
    one, other = (lab.serve(occupancy=occupancy) for _ in range(2))
    first = lab.connect(one)
    assert first.ask(b"*OPC?\n") == b"1\n"
    assert lab.connect(other).line().startswith(b"-200,")
    first.close()
    assert lab.connect(other).ask(b"*OPC?\n") == b"1\n"


@pytest.mark.parametrize("way", ["close", "vanish"])
def test_client_that_goes_in_mid_message_frees_the_device(lab, way):
    server = lab.serve()
    for _ in range(20):
        client = lab.connect(server)
        assert client.ask(b"*OPC?\n") == b"1\n"
        client.send(b"EXCH? #3999abc")
        getattr(client, way)()
    last = lab.connect(server)
    assert last.ask(b"*OPC?;:SYST:ERR?\n") == b'1;0,"No error"\n'


def test_newcomer_waits_while_the_device_computes_for_one_who_has_gone(lab):
    begun, go_on = threading.Event(), threading.Event()

    def answer(message):
        if message == b"SLOW?\n":
            begun.set()
            go_on.wait(10)
        return message

    server = lab.serve(Core(answer), occupancy=lab.Occupancy(0.0))
    first = lab.connect(server)
    first.send(b"SLOW?\n")
    assert begun.wait(5)
    # Whoever holds it still: the newcomer is refused at once.
    assert lab.connect(server).line().startswith(b"-200,")
    first.close()
    newcomer = lab.connect(server)
    newcomer.send(b"NEW?\n")
    newcomer.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        newcomer.line()
    go_on.set()
    newcomer.socket.settimeout(5)
    newcomer.file = newcomer.socket.makefile("rb")
    assert newcomer.line() == b"NEW?\n"


def test_half_closed_client_still_gets_its_answer(lab):
    client = lab.connect(lab.serve())
    client.send(b"*IDN?\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.line(), client.line()] == [IDENTITY, b""]


def test_client_that_does_not_read_is_dropped(lab, monkeypatch):
    monkeypatch.setattr(tcp_connection.TcpConnection.__init__, "__defaults__", (0.1,))
    core = Core(lambda message: bytes(50_000_000))
    server = lab.serve(core)
    idle = lab.connect(server)
    idle.send(b"X?\n")
    assert core.reported.wait(5)
    assert core.reports == [Status.QUERY_DEADLOCKED]
    core.answer = lambda message: message
    assert lab.connect(server).ask(b"Y?\n") == b"Y?\n"


def test_sockets_send_at_once_and_notice_the_vanished():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as peer,
    ):
        tcp_connection.TcpConnection(peer, "client")
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 10


@pytest.mark.timeout(6)
def test_write_in_two_pieces_does_not_wait_for_acknowledgements(lab):
    # With Nagle here and delayed acknowledgements there it would take 40 ms a message.
    client = lab.connect(lab.serve())
    assert not client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    for _ in range(300):
        client.send(b"*OP")
        client.send(b"C?\n")
        assert client.line() == b"1\n"


def test_port_that_is_taken_is_refused(lab):
    taken = lab.serve().resource.split("::")[2]
    server = SocketServer(Core(), "127.0.0.1", int(taken), Occupancy())
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{taken}.*another port"):
        server.start()
    server.close()


def test_close_ends_conversations_and_the_port_is_free_again(lab):
    server = lab.serve()
    client = lab.connect(server)
    assert client.ask(b"*OPC?\n") == b"1\n"
    server.close()
    server.close()
    assert client.line() == b""
    port = int(server.resource.split("::")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
