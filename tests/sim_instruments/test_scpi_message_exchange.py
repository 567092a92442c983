"""Reading on demand: interrupted and unterminated queries, device clear, serial poll, by @sim."""

from __future__ import annotations

import pytest
import pyvisa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyvisa import constants

from sim_instruments.message_exchange import MessageExchange
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

GPIB, SOCKET = "GPIB0::7::INSTR", "TCPIP0::chip.lab::5025::SOCKET"


@pytest.fixture
def bench(lab):
    """The same device on a bus and on a socket, behind pyvisa-sim."""
    core = lab.core()
    manager = pyvisa.ResourceManager(simulated_library({GPIB: core, SOCKET: core}))
    opened = [manager.open_resource(name, read_termination="\n") for name in (GPIB, SOCKET)]
    yield opened
    manager.close()


def test_unread_response_is_interrupted_on_a_bus_and_kept_on_a_socket(bench):
    bus, stream = bench
    bus.write("*IDN?")
    assert bus.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'
    bus.write("*IDN?")
    assert bus.read_bytes(3) == b"MGD"
    assert bus.query("*ESR?;:SYST:ERR?") == '132;-410,"Query INTERRUPTED"'
    stream.write("CHIP:EPOC?;*OPC?")
    stream.write("SYST:ERR?")
    assert stream.read().endswith(";1")
    assert stream.read() == '0,"No error"'


def test_reading_without_a_query_is_unterminated_on_a_bus(bench):
    bus, stream = bench
    for resource in (stream, bus):
        with pytest.raises(pyvisa.VisaIOError) as caught:
            resource.read()
        assert caught.value.error_code == constants.StatusCode.error_timeout
    assert bus.query("SYST:ERR?;ERR:COUN?") == '-420,"Query UNTERMINATED";0'


def test_serial_poll_and_device_clear(bench):
    bus, stream = bench
    bus.write("*ESE 32;*SRE 48")
    assert bus.read_stb() == 0
    bus.write("VOLT 3")
    assert bus.read_stb() == 64 + 32 + 4
    bus.write("*OPC?")
    assert bus.read_stb() == 64 + 32 + 16 + 4
    bus.clear()
    assert bus.read_stb() == 64 + 32 + 4
    bus.write_raw(b"EXCH? #3999")
    bus.clear()
    assert bus.query("*CLS;*OPC?") == "1"
    with pytest.raises(pyvisa.VisaIOError):
        stream.read_stb()


def test_end_ends_messages_and_indefinite_blocks(lab):
    exchange = MessageExchange(lab.core(), has_end=True)
    exchange.write(b"*OP")
    exchange.write(b"C?", end=True)
    assert exchange.read(9) == b"1\n"
    exchange.write(b"EXCH? #0abcd\n")
    assert not exchange.message_available
    exchange.write(b";\n", end=True)
    assert exchange.read(8) == b"#220abcd"


def test_message_that_is_too_long_is_reported_and_the_next_is_answered(lab):
    exchange = MessageExchange(lab.core())
    exchange.write(b"EXCH? #9999999999")
    exchange.write(b"*OPC?\n")
    assert not exchange.message_available
    exchange.clear()
    exchange.write(b"SYST:ERR?\n")
    assert exchange.read(100).startswith(b'-223,"Too much data')


PIECES = st.sampled_from(
    [b"*OPC?", b"*STB?", b"\n", b";", b"#0", b"#13", b"abc", b'"', b"*SRE 255", b"\xff"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(PIECES, st.booleans(), st.integers(0, 3))), st.booleans())
def test_any_traffic_is_survived(core, traffic, has_end):
    exchange = MessageExchange(core, has_end=has_end)
    for data, end, count in traffic:
        exchange.write(data, end=end)
        if count:
            exchange.read(count)
    exchange.clear()
    exchange.write(b"*CLS;*OPC?\n")
    assert exchange.read(9) == b"1\n"
    assert exchange.status_byte & 16 == 0


@pytest.fixture(scope="module")
def core(served_core):
    return served_core(ScpiChipDevice)
