"""`mgd-lab devices`: what is listed, and that nothing is written unless asked for."""

import threading
import time
import warnings
from types import SimpleNamespace

import pytest
import pyvisa

from mgd_lab.cli import devices
from mgd_lab.devices import VisaListing, VisaResource, list_serial_ports, list_visa_resources
from sim_instruments.visa_library import simulated_library

SOCKET = "TCPIP0::chip.lab::5025::SOCKET"
SERIAL = "ASRL/dev/ttyX::INSTR"


class Core:
    """A device core that keeps what it was sent."""

    def __init__(self, reply=b"MGD Lab,emulated chip,7,1.0\n"):
        self.reply = reply
        self.sent = []

    def respond(self, message):
        self.sent.append(message)
        return self.reply

    def overrun(self, reason):
        pytest.fail(reason)


def port(device, **keys):
    empty = dict.fromkeys(("description", "vid", "pid", "serial_number"))
    return SimpleNamespace(device=device, **{**empty, **keys})


def test_nothing_is_written_without_ask():
    core = Core()
    listing = list_visa_resources(simulated_library({SOCKET: core, SERIAL: core}))
    assert {found.name: found.takes_messages for found in listing.resources} == {
        SOCKET: True,
        SERIAL: True,
    }
    assert core.sent == []
    assert all(not found.identity for found in listing.resources)


def test_instruments_are_asked_and_serial_lines_are_not():
    core, board = Core(), Core()
    listing = list_visa_resources(simulated_library({SOCKET: core, SERIAL: board}), ask=True)
    serial, instrument = sorted(listing.resources, key=lambda found: found.name)
    assert instrument.identity == "MGD Lab,emulated chip,7,1.0"
    assert core.sent == [b"*IDN?\n"]
    assert board.sent == []
    assert "not asked" in serial.note


@pytest.mark.parametrize(
    ("reply", "identity", "note"),
    [(b"", "", "no answer"), (b"a\x1b[31m\xff\n", r"a\x1b[31m\xff", ""), (b"\n", "", "empty")],
)
def test_strange_answers(reply, identity, note):
    (found,) = list_visa_resources(simulated_library({SOCKET: Core(reply)}), ask=True).resources
    assert found.identity == identity
    assert note in found.note


@pytest.mark.parametrize("library", ["@nobody", "/no/such/visa.so", "@ivi"])
def test_a_missing_backend_is_a_note(library):
    listing = list_visa_resources(library)
    assert listing.resources == ()
    assert library in listing.notes[0]


def test_warnings_of_backends_are_notes():
    class Manager:
        def list_resources(self, _):
            warnings.warn("install more", stacklevel=1)
            raise ValueError("no bus")

    listing = list_visa_resources(manager=lambda _: Manager())
    assert listing.notes == ("resources cannot be listed: ValueError: no bus", "install more")


def test_a_search_without_end_is_given_up():
    release = threading.Event()
    manager = SimpleNamespace(list_resources=lambda _: release.wait(20) and ())
    began = time.monotonic()
    listing = list_visa_resources(manager=lambda _: manager, listing_seconds=0.05)
    release.set()
    assert time.monotonic() - began < 5
    assert "did not end within 0.05 s" in listing.notes[0]


def test_an_instrument_that_fails_does_not_end_the_list():
    def open_resource(name, open_timeout):
        assert open_timeout == 2000
        if "1" in name:
            raise pyvisa.VisaIOError(pyvisa.constants.StatusCode.error_timeout)
        return SimpleNamespace(
            write_raw=lambda _: None,
            read_bytes=lambda *_, **__: b"two\n",
            close=lambda: None,
        )

    names = ["GPIB0::1::INSTR", "GPIB0::2::INSTR", "GPIB0::INTFC"]
    manager = SimpleNamespace(list_resources=lambda _: names, open_resource=open_resource)
    listing = list_visa_resources(ask=True, manager=lambda _: manager)
    first, second, interface = listing.resources
    assert "no answer to *IDN?" in first.note
    assert second.identity == "two"
    assert (interface.takes_messages, interface.note) == (False, "")


def test_serial_ports():
    found, notes = list_serial_ports(
        lambda: [
            port("/dev/ttyUSB1", description="CH340", vid=0x1A86, pid=0x7523, serial_number="A7"),
            port("/dev/ttyS0", description="n/a"),
        ]
    )
    assert notes == []
    assert [(p.device, p.description, p.vid_pid, p.serial_number) for p in found] == [
        ("/dev/ttyS0", "", "", ""),
        ("/dev/ttyUSB1", "CH340", "1A86:7523", "A7"),
    ]


def test_serial_ports_that_cannot_be_listed():
    def comports():
        raise OSError("no /sys")

    assert list_serial_ports(comports) == ([], ["serial ports cannot be listed: OSError: no /sys"])


@pytest.fixture
def bench(desk, monkeypatch):
    """The command, with given resources and ports."""

    def call(resources, ports, *arguments, notes=()):
        found = [VisaResource(name, not name.endswith("INTFC")) for name in resources]
        monkeypatch.setattr(
            devices, "list_visa_resources", lambda *_, **__: VisaListing(found, notes)
        )
        listed = list_serial_ports(lambda: ports)
        monkeypatch.setattr(devices, "list_serial_ports", lambda: listed)
        return desk.call("devices", *arguments)

    return call


def test_what_is_shown(bench):
    ended = bench([SOCKET, "GPIB0::INTFC"], [port("/dev/ttyUSB1", vid=1, pid=2)], notes=["hm"])
    assert (ended.code, ended.err) == (0, "note: hm\n")
    lines = [line.strip() for line in ended.out.splitlines()]
    assert f"{SOCKET}  not asked (--ask sends *IDN?)" in lines
    assert f"would fit: driver scpi (resource: {SOCKET})" in lines
    assert "GPIB0::INTFC  an interface, no instrument" in lines
    assert "/dev/ttyUSB1  0001:0002" in lines
    assert any("driver serial (port: /dev/ttyUSB1)" in line for line in lines)


def test_nothing_there(bench):
    ended = bench([], [])
    assert ended.code == 0
    assert ended.out == "VISA resources (@py): none\nserial ports: none\n"


def test_json(bench):
    ended = bench([SOCKET], [port("/dev/ttyUSB1")], "--json")
    (visa,), (serial,) = ended.last["visa"], ended.last["serial"]
    assert visa["name"] == SOCKET
    assert "scpi" in visa["drivers"]
    assert serial["device"] == "/dev/ttyUSB1"
    assert "serial" in serial["drivers"]
    assert ended.last["notes"] == []


def test_the_real_backend_ends_in_time(desk):
    process = desk.start("devices", "--json")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert out.startswith("VISA resources (@py):")
