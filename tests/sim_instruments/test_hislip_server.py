"""The HiSLIP server: literal conversations, and pyvisa-py as its client."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.wire.hislip import HislipMessage, MessageType
from sim_instruments.hislip_server import HislipServer
from sim_instruments.hislip_session import HislipSession
from sim_instruments.scpi_chip import ScpiChipDevice

FIRST = 0xFFFFFF00
DATA, DATA_END, TRIGGER = 6, 7, 12
IDENTITY = b"MGD Lab,emulated chip,7,1.0\n"


@pytest.fixture
def opened(lab):
    """Two literal connections, initialized; and the server."""
    server = lab.serve(kind=HislipServer)
    return *initialized(lab, server), server


def initialized(lab, server):
    synchronous = lab.connect(server)
    synchronous.hislip(0, 0, 0x0100_7878, b"hislip0")
    kind, control, parameter, payload = synchronous.message()
    assert (kind, control, parameter >> 16, payload) == (1, 0, 0x0100, b"")
    asynchronous = lab.connect(server)
    asynchronous.hislip(17, 0, parameter & 0xFFFF)
    assert asynchronous.message() == (18, 0, 0x4D47, b"")
    return synchronous, asynchronous


def test_newer_client_is_answered_with_the_newest_version_of_ours(lab):
    for offered, agreed in ((0x0200, 0x0200), (0x0101, 0x0101), (0x0300, 0x0200)):
        client = lab.connect(lab.serve(kind=HislipServer))
        client.hislip(0, 0, offered << 16 | 0x7878)
        assert client.message()[2] >> 16 == agreed


def test_query_and_message_numbers(opened):
    client, *_ = opened
    client.hislip(DATA_END, 0, FIRST, b"*IDN?\n")
    assert client.message() == (DATA_END, 0, FIRST, IDENTITY)
    # END ends a message as a line feed does; the response bears the number of the last part.
    client.hislip(DATA, 1, FIRST + 2, b"*OP")
    client.hislip(DATA_END, 0, FIRST + 4, b"C?")
    assert client.message() == (DATA_END, 0, FIRST + 4, b"1\n")


def test_response_that_was_not_read_is_interrupted(opened):
    client, other, _ = opened
    client.hislip(DATA_END, 0, FIRST, b"*IDN?\n")
    client.hislip(DATA_END, 0, FIRST + 2, b"SYST:ERR?\n")
    assert client.message() == (DATA_END, 0, FIRST, IDENTITY)
    assert client.message() == (13, 0, FIRST + 2, b"")
    assert other.message() == (14, 0, FIRST + 2, b"")
    assert client.message() == (DATA_END, 0, FIRST + 2, b'-410,"Query INTERRUPTED"\n')
    # A status query may be what says that the response was read.
    other.hislip(21, 1, FIRST + 4)
    assert other.message() == (22, 0, 0, b"")
    client.hislip(DATA_END, 0, FIRST + 4, b"SYST:ERR?\n")
    assert client.message() == (DATA_END, 0, FIRST + 4, b'0,"No error"\n')


def test_status_byte_and_service_request(opened):
    client, other, _ = opened
    client.hislip(DATA_END, 0, FIRST, b"*SRE 16\n")
    client.hislip(DATA_END, 0, FIRST + 2, b"*OPC?\n")
    assert other.message() == (20, 16 + 64, 0, b"")
    assert client.message()[3] == b"1\n"
    for expected in (16 + 64, 16):
        other.hislip(21, 0, FIRST + 4)
        assert other.message() == (22, expected, 0, b"")
    other.hislip(21, 1, FIRST + 4)
    assert other.message() == (22, 0, 0, b"")


def test_device_clear_drops_input_and_output(opened):
    client, other, _ = opened
    client.hislip(DATA_END, 0, FIRST, b"*IDN?\n")
    assert client.message()[3] == IDENTITY
    client.hislip(DATA, 1, FIRST + 2, b"EXCH? #3999")
    other.hislip(19)
    assert other.message() == (23, 0, 0, b"")
    client.hislip(DATA_END, 0, FIRST + 4, b"*RST;*IDN?\n")
    client.hislip(8, 1)
    assert client.message() == (9, 0, 0, b"")
    client.hislip(DATA_END, 0, FIRST, b"*OPC?;*ESR?\n")
    assert client.message() == (DATA_END, 0, FIRST, b"1;128\n")


def test_device_clear_while_the_device_computes(lab):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(ScpiChipDevice):
        def respond(self, message):
            if message == b"SLOW?\n":
                begun.set()
                go_on.wait(10)
                return b"stale\n"
            return super().respond(message)

    core = lab.core(Slow)
    client, other = initialized(lab, lab.serve(core, kind=HislipServer))
    client.hislip(DATA_END, 0, FIRST, b"SLOW?\n")
    assert begun.wait(5)
    other.hislip(21, 0, FIRST + 2)
    assert other.message() == (22, 0, 0, b"")
    other.hislip(19)
    assert other.message() == (23, 0, 0, b"")
    client.hislip(8)
    go_on.set()
    assert client.message() == (9, 0, 0, b"")
    client.hislip(DATA_END, 0, FIRST, b"*OPC?\n")
    assert client.message() == (DATA_END, 0, FIRST, b"1\n")


def test_maximum_message_size_is_kept(opened):
    client, other, _ = opened
    other.hislip(15, payload=struct.pack("!Q", 256))
    assert other.message() == (16, 0, 0, struct.pack("!Q", 2**22))
    client.hislip(DATA_END, 0, FIRST, b"CHIP:DESC?\n")
    first = client.message()
    assert (first[0], len(first[3])) == (DATA, 240)
    response = first[3]
    while first[0] == DATA:
        first = client.message()
        response += first[3]
    assert response.startswith(b"#4")
    assert response.endswith(b"}\n")
    for size in (b"", struct.pack("!Q", 16)):
        other.hislip(15, payload=size)
        assert other.message()[:2] == (3, 0)


def test_message_that_is_too_large_is_passed_over(opened):
    client, *_ = opened
    client.hislip(DATA_END, 0, FIRST, bytes(2**22))
    assert client.message()[:2] == (3, 4)
    client.hislip(DATA_END, 0, FIRST + 2, b"SYST:ERR?\n")
    assert client.message()[3].startswith(b'-223,"Too much data;a HiSLIP message of 4194304 bytes')


def test_locks_remote_control_and_trigger(opened):
    client, other, _ = opened
    for control, payload, expected in (
        (1, b"", 1), (1, b"", 3), (1, b"key", 1), (0, b"", 1), (0, b"", 2), (0, b"", 3), (7, b"", 0)
    ):  # fmt: skip
        other.hislip(4, control, 1000, payload)
        assert other.message() == (5, expected, 0, b"")
    other.hislip(24)
    assert other.message() == (25, 0, 0, b"")
    other.hislip(10, 1, FIRST)
    assert other.message() == (11, 0, 0, b"")
    client.hislip(TRIGGER, 0, FIRST)
    client.hislip(DATA_END, 0, FIRST + 2, b"SYST:ERR?\n")
    assert client.message()[3] == b'-211,"Trigger ignored"\n'


def test_unknown_messages_are_errors_and_the_session_goes_on(opened):
    client, other, _ = opened
    for kind, code in ((28, 1), (21, 1), (200, 3)):
        client.hislip(kind, payload=b"?")
        assert client.message()[:2] == (3, code)
    other.hislip(DATA_END, payload=b"*OPC?\n")
    assert other.message()[:2] == (3, 1)
    client.hislip(3, 0, 0, b"an error of the client's")
    client.hislip(DATA_END, 0, FIRST, b"*OPC?\n")
    assert client.message()[3] == b"1\n"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 1),
        (HislipMessage(MessageType.DATA_END, 0, FIRST, b"*IDN?\n").encode(), 3),
        (HislipMessage(MessageType.ASYNC_INITIALIZE, 0, 77).encode(), 3),
        (HislipMessage(MessageType.INITIALIZE, 0, 0x01000000, b"hislip9").encode(), 3),
        (HislipMessage(MessageType.INITIALIZE, 0, 0x01000000, bytes(300)).encode(), 1),
    ],
)
def test_wrong_beginning_is_fatal(lab, sent, code):
    client = lab.connect(lab.serve(kind=HislipServer))
    client.send(sent)
    assert client.message()[:2] == (2, code)
    assert client.exactly(1) == b""


def test_data_before_the_second_channel_is_fatal(lab):
    client = lab.connect(lab.serve(kind=HislipServer))
    client.hislip(0, 0, 0x0100_7878)
    client.message()
    client.hislip(DATA_END, 0, FIRST, b"*IDN?\n")
    assert client.message()[:2] == (2, 2)


def test_garbage_in_a_session_is_fatal_and_frees_the_device(lab, opened):
    client, other, server = opened
    client.send(b"*IDN?\n this is no HiSLIP\n")
    assert client.message()[:2] == (2, 1)
    assert client.exactly(1) == b""
    assert other.exactly(1) == b""
    initialized(lab, server)


def test_second_client_is_refused_and_the_first_goes_on(lab, opened):
    client, _, server = opened
    second = lab.connect(server)
    second.hislip(0, 0, 0x0100_7878, b"hislip0")
    kind, code, _, reason = second.message()
    assert (kind, code) == (2, 4)
    assert "in use by {}:{}".format(*client.socket.getsockname()) in reason.decode()
    client.hislip(DATA_END, 0, FIRST, b"*OPC?\n")
    assert client.message()[3] == b"1\n"


@pytest.mark.parametrize("channel", [0, 1])
def test_client_that_vanishes_in_mid_message_frees_the_device(lab, channel):
    server = lab.serve(kind=HislipServer)
    for _ in range(5):
        channels = initialized(lab, server)
        channels[0].send(HislipMessage(DATA_END, 0, FIRST, b"*IDN?\n").encode()[:-3])
        channels[channel].vanish()
    client, _ = initialized(lab, server)
    client.hislip(DATA_END, 0, FIRST, b"*OPC?\n")
    assert client.message()[3] == b"1\n"


@pytest.fixture
def resource(lab):
    """pyvisa-py's view of a served device."""
    manager = pyvisa.ResourceManager("@py")
    opened = manager.open_resource(lab.serve(kind=HislipServer).resource)
    opened.timeout = 5000
    yield opened
    manager.close()


def test_pyvisa_py_asks_polls_and_clears(resource):
    assert resource.query("*IDN?") == IDENTITY.decode()
    assert resource.read_stb() == 0
    resource.write("*OPC?")
    assert resource.read() == "1\n"
    resource.write("VOLT 3")
    resource.write("*WAI")
    assert resource.query("*STB?") == "4\n"
    assert resource.read_stb() == 4
    assert resource.query("SYST:ERR?").startswith("-113")
    resource.write_raw(b"EXCH? #13a\n")
    resource.clear()
    assert resource.query("*CLS;*OPC?") == "1\n"
    session = resource.visalib.sessions[resource.session].interface
    assert session.async_lock_request(1.0) == "success"
    assert session.async_lock_info() == 1
    assert session.async_lock_release() == "success"


def test_pyvisa_py_sends_and_takes_a_megabyte(lab):
    payload = bytes(range(256)) * 4096

    class Echo(ScpiChipDevice):
        def respond(self, message):
            return message

    manager = pyvisa.ResourceManager("@py")
    resource = manager.open_resource(lab.serve(lab.core(Echo), kind=HislipServer).resource)
    for kilobytes in (1024, 16):
        constant = pyvisa.constants.ResourceAttribute.tcpip_hislip_max_message_kb
        resource.set_visa_attribute(constant, kilobytes)
        for head in (b"X? #71048576", b"X? #0"):
            resource.write_raw(head + payload + b"\n")
            assert resource.read_raw() == head + payload + b"\n"
    manager.close()


MESSAGES = st.builds(
    HislipMessage,
    st.sampled_from([DATA, DATA_END, TRIGGER, 8, 3, 19, 21, 15, 4, 24, 10, 99, 255]),
    st.integers(0, 3),
    st.integers(0, 2**32 - 1),
    st.sampled_from([b"", b"*IDN?\n", b"*OPC?", b"EXCH? #0", b"#19", b"*SRE 255;", b'"', bytes(8)])
    | st.binary(max_size=12),
)


@settings(deadline=None)
@given(st.lists(st.tuples(MESSAGES, st.booleans()), max_size=8))
def test_any_messages_are_survived(core, messages):
    session = HislipSession(core)
    for message, asynchronous in messages:
        answer = session.asynchronous if asynchronous else session.synchronous
        for outgoing in answer(message):
            assert len(outgoing.message.encode()) < 2**20
    assert [out.message.kind for out in session.synchronous(HislipMessage(8))] == [9]
    list(session.synchronous(HislipMessage(DATA_END, 0, 0, b"*SRE 0;*CLS\n")))
    (reply,) = session.synchronous(HislipMessage(DATA_END, 0, 2, b"*OPC?\n"))
    assert reply.message == HislipMessage(DATA_END, 0, 2, b"1\n")


@pytest.fixture(scope="module")
def core(served_core):
    return served_core(ScpiChipDevice)


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_on_the_wire_are_survived(port, data, initialize):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        if initialize:
            client.sendall(HislipMessage(0, 0, 0x01000000).encode())
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass


@pytest.fixture(scope="module")
def port(core, endpoint_of):
    server = endpoint_of(HislipServer, core)
    yield int(server.resource.split(",")[1].removesuffix("::INSTR"))
    server.close()
