"""One chip, one controller: who is refused, who is named, and when the lock is gone."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mgd_lab.bench.chip_address import chip_address, chip_addresses
from mgd_lab.bench.chip_lock import FOLDER_VARIABLE, locked_chip
from mgd_lab.errors import ChipBusyError, ConfigurationError

HOLDER = """\
import sys, time
from types import SimpleNamespace
from mgd_lab.bench.chip_lock import locked_chip
with locked_chip(SimpleNamespace(name="", resource=sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "locks"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


def settings(**keys):
    return SimpleNamespace(**{"name": "", **keys})


RESOURCE = "TCPIP0::127.0.0.1::5025::SOCKET"
CHIP = settings(name="my chip", resource=RESOURCE)


def holder(resource=RESOURCE):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, resource], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_and_told_who_has_it(folder):
    with locked_chip(CHIP), pytest.raises(ChipBusyError) as caught, locked_chip(CHIP):
        pytest.fail("two controllers")
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert (
        f"chip 'my chip' at tcpip0::127.0.0.1::5025::socket is in use by process {os.getpid()}"
        in text
    )
    assert re.search(r"since 20\d\d-\d\d-\d\dT", text)


def test_it_can_be_taken_again_and_others_are_free(folder):
    for _ in range(2):
        with locked_chip(CHIP), locked_chip(settings(resource="GPIB0::7::INSTR")):
            pass


def test_a_dead_owner_has_no_chip(folder):
    process = holder()
    try:
        with pytest.raises(ChipBusyError, match=f"process {process.pid} "), locked_chip(CHIP):
            pytest.fail("two controllers")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with locked_chip(CHIP):
            pass
    finally:
        process.kill()
        process.communicate()


def test_everybody_may_use_the_folder(folder):
    earlier = os.umask(0o077)
    try:
        with locked_chip(CHIP):
            pass
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


def test_planted_links_are_not_followed(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    with locked_chip(CHIP):
        pass
    (file,) = folder.iterdir()
    for plant in (file.symlink_to, file.hardlink_to):
        file.unlink()
        plant(victim)
        with pytest.raises(ConfigurationError, match=FOLDER_VARIABLE), locked_chip(CHIP):
            pytest.fail("followed")
        assert victim.read_text() == "precious"


def test_a_folder_that_is_a_link(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match=FOLDER_VARIABLE), locked_chip(CHIP):
        pytest.fail("followed")


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff\x00", b'{"pid": "x"}', b"[1]"])
def test_whatever_stands_in_the_file(folder, text):
    with locked_chip(CHIP):
        (file,) = folder.iterdir()
        file.write_bytes(text)
        with pytest.raises(ChipBusyError, match="in use by another process"), locked_chip(CHIP):
            pytest.fail("two controllers")


def test_nothing_unprintable_reaches_the_terminal(folder):
    with locked_chip(CHIP):
        (file,) = folder.iterdir()
        file.write_text('{"pid": 1, "command": "\\u001b[2Jboo", "since_utc": "\\u0007now"}')
        with pytest.raises(ChipBusyError) as caught, locked_chip(CHIP):
            pytest.fail("two controllers")
    assert "process 1 ([2Jboo) since now" in str(caught.value)


def test_chips_in_this_process_need_no_lock(folder):
    for inside in (settings(), settings(resource="TCPIP::h::1::SOCKET", visa_library="@sim")):
        with locked_chip(inside), locked_chip(inside):
            pass
    assert not folder.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TCPIP0::127.0.0.1::5025::SOCKET", "tcpip::127.0.0.1::5025::socket"),
        ("TCPIP0::127.0.0.1::5025::SOCKET", "TCPIP::localhost::5025::SOCKET"),
        ("GPIB::7::INSTR", "GPIB0::7::instr"),
        ("USB0::0x1234::0x5678::SN1::INSTR", "usb::0X1234::0X5678::sn1::INSTR"),
        ("ASRL/dev/null::INSTR", "ASRL/dev/../dev/null::INSTR"),
    ],
)
def test_one_chip_has_one_address(one, other):
    assert chip_address(settings(resource=one)) == chip_address(
        settings(resource=other, visa_library="@py")
    )


def test_a_serial_port_by_any_name(tmp_path):
    link = tmp_path / "board"
    link.symlink_to("/dev/null")
    assert chip_address(settings(port=str(link))) == "/dev/null"
    assert chip_address(settings(resource=f"ASRL{link}::INSTR")) == "/dev/null"


def test_a_pseudo_terminal_goes_by_its_link(tmp_path):
    """Its own name is given to the next one as soon as it is closed."""
    master, slave = pty.openpty()
    link = tmp_path / "board"
    link.symlink_to(os.ttyname(slave))
    try:
        assert chip_address(settings(port=str(link))) == str(link)
    finally:
        os.close(slave)
        os.close(master)


def test_other_chips_have_other_addresses():
    found = {
        chip_address(settings(resource=resource))
        for resource in (
            "TCPIP::127.0.0.1::5025::SOCKET",
            "TCPIP::127.0.0.1::5026::SOCKET",
            "TCPIP::127.0.0.2::5025::SOCKET",
            "TCPIP1::127.0.0.1::5025::SOCKET",
            "GPIB::7::INSTR",
            "GPIB::8::INSTR",
            "nonsense",
        )
    }
    assert len(found) == 7


def test_a_driver_may_name_what_it_uses_by_itself():
    own = settings(lock_name="qcodes:lab.Supply:{}")
    assert chip_address(own) == "qcodes:lab.Supply:{}"
    assert chip_address(settings(lock_name="", port="/dev/null")) == "/dev/null"


def test_a_chip_is_locked_with_what_is_beside_it():
    smu = settings(resource="GPIB0::24::INSTR")
    alone = settings(port="/dev/ttyACM7", instruments={})
    assert chip_addresses(alone) == ("/dev/ttyACM7",)
    fed = settings(port="/dev/ttyACM7", instruments={"smu": smu})
    assert chip_addresses(fed) == ("/dev/ttyACM7", "gpib0::24::instr")
    assert chip_addresses(settings(instruments={"smu": smu})) == ("gpib0::24::instr",)
    assert chip_addresses(settings(visa_library="@sim", port="x", instruments={"smu": smu})) == ()
