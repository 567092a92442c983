"""Computing devices behind pyvisa-sim."""

from __future__ import annotations

import pytest
import pyvisa
from pyvisa import constants

from mgd_lab.errors import ConfigurationError
from sim_instruments.visa_library import simulated_library

SOCKET = "TCPIP0::chip.lab::5025::SOCKET"


class Echo:
    """Answers each message with what it got, and remembers."""

    def __init__(self):
        self.messages = []
        self.dropped = []

    def respond(self, message):
        self.messages.append(message)
        return message

    def overrun(self, reason):
        self.dropped.append(reason)


@pytest.fixture
def opened():
    """Opens resources of new libraries and closes all of them afterwards."""
    managers = []

    def _open(devices, resource=SOCKET):
        manager = pyvisa.ResourceManager(simulated_library(devices))
        managers.append(manager)
        return manager.open_resource(resource)

    yield _open
    for manager in managers:
        manager.close()


@pytest.mark.parametrize(
    "resource",
    [
        SOCKET,
        "TCPIP::10.0.0.1::INSTR",
        "TCPIP0::10.0.0.1::hislip0::INSTR",
        "USB0::0x1234::0x5678::A1::INSTR",
        "GPIB0::7::INSTR",
        "ASRL3::INSTR",
    ],
)
def test_binary_blocks_hold_every_byte_on_every_interface(opened, resource):
    core = Echo()
    session = opened({resource: core}, resource)
    payload = bytes(range(256)) * 40 + b"\n;\n"
    message = b"X? #5%05d" % len(payload) + payload + b"\n"
    assert session.visalib.write(session.session, message)[0] == len(message)
    data, status = session.visalib.read(session.session, len(message))
    assert data == message
    assert status == constants.StatusCode.success_max_count_read
    assert core.messages == [message]


def test_message_in_pieces_and_two_in_one_write(opened):
    core = Echo()
    session = opened({SOCKET: core})
    for piece in (b"A? #", b"1", b"3\n", b";\n", b"\nB?\nC", b"?\n"):
        session.write_raw(piece)
    assert core.messages == [b"A? #13\n;\n\n", b"B?\n", b"C?\n"]


def test_reads_less_than_there_is_and_lines(opened):
    session = opened({SOCKET: Echo()})
    session.write_raw(b"12345\n")
    assert session.visalib.read(session.session, 2)[0] == b"12"
    session.read_termination = "\n"
    assert session.read() == "345"
    session.write_raw(b"a\nb\n")
    assert [session.read(), session.read()] == ["a", "b"]


def test_nothing_to_read_times_out_at_once(opened):
    session = opened({SOCKET: Echo()})
    session.timeout = 3_600_000
    with pytest.raises(pyvisa.VisaIOError) as caught:
        session.visalib.read(session.session, 1)
    assert caught.value.error_code == constants.StatusCode.error_timeout


def test_oversized_block_is_dropped_and_told(opened):
    core = Echo()
    session = opened({SOCKET: core})
    session.write_raw(b"X? #9999999999abc\n")
    assert core.messages == []
    assert "999999999" in core.dropped[0]
    session.write_raw(b"payload?\n")
    assert core.messages == []
    session.clear()
    session.write_raw(b"Y?\n")
    assert core.messages == [b"Y?\n"]


def test_two_libraries_at_once_share_nothing(opened):
    first, second = Echo(), Echo()
    one, two = opened({SOCKET: first}), opened({SOCKET: second})
    assert one.visalib is not two.visalib
    one.write_raw(b"1?\n")
    assert (first.messages, second.messages) == ([b"1?\n"], [])
    two.write_raw(b"2?\n")
    assert one.visalib.read(one.session, 3)[0] == b"1?\n"
    assert two.visalib.read(two.session, 3)[0] == b"2?\n"


def test_new_session_has_not_the_reply_that_an_earlier_left_unread(opened):
    library = simulated_library({SOCKET: Echo()})
    manager = pyvisa.ResourceManager(library)
    session = manager.open_resource(SOCKET)
    session.write_raw(b"stale?\nhalf")
    session.close()
    session = manager.open_resource(SOCKET)
    session.write_raw(b"new?\n")
    assert session.visalib.read(session.session, 5)[0] == b"new?\n"
    manager.close()


def test_only_the_given_resources_are_listed():
    manager = pyvisa.ResourceManager(simulated_library({SOCKET: Echo()}))
    assert manager.list_resources("?*") == (SOCKET,)
    manager.close()


@pytest.mark.parametrize(
    "resource", ["", "nonsense", "TCPIP::a::b::c::d::SOCKET", "VXI0::1::INSTR"]
)
def test_resource_that_cannot_be_simulated_is_refused(resource):
    with pytest.raises(ConfigurationError, match=r"resource|simulated"):
        simulated_library({resource: Echo()})


def test_byte_by_byte_reading_of_pyvisa_sim_still_works(opened):
    library = simulated_library({SOCKET: Echo()})
    device = library.devices["TCPIP0::chip.lab::5025::SOCKET"]
    device.write(b"ab\n")
    assert [device.read() for _ in range(4)] == [
        (b"a", False),
        (b"b", False),
        (b"\n", True),
        (b"", False),
    ]
