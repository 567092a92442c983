"""Clients that know nothing of us: PyMeasure and lxi-tools."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mgd_lab.wire import encode_description
from sim_instruments.emulated import emulated_chip

IDENTITY = "MGD Lab,emulated chip,7,1.0"


@pytest.fixture
def adapter_class():
    adapters = pytest.importorskip("pymeasure.adapters", reason="PyMeasure is not installed")
    return adapters.VISAAdapter


def check_adapter(adapter, lab):
    adapter.write("*CLS;*ESE 32")
    adapter.write("*IDN?")
    assert adapter.read() == IDENTITY
    adapter.write("*ESE?;*OPC?")
    assert adapter.read() == "32;1"
    adapter.write("CHIP:DESC?")
    expected = encode_description(emulated_chip(lab.EMULATION).description)
    header = b"#%d%d" % (len(str(len(expected))), len(expected))
    assert adapter.read_bytes(len(header)) == header
    assert adapter.read_bytes(len(expected) + 1) == expected + b"\n"
    adapter.write("SYST:ERR?")
    assert adapter.read() == '0,"No error"'
    adapter.close()


def test_pymeasure_over_the_socket(lab, adapter_class):
    adapter = adapter_class(
        lab.serve().resource,
        visa_library="@py",
        timeout=5000,
        read_termination="\n",
        write_termination="\n",
    )
    check_adapter(adapter, lab)


def test_pymeasure_over_hislip(lab, adapter_class):
    adapter = adapter_class(
        lab.serve(kind=lab.HislipServer).resource,
        visa_library="@py",
        timeout=5000,
        read_termination="\n",
    )
    check_adapter(adapter, lab)


@pytest.mark.skipif(shutil.which("lxi") is None, reason="lxi-tools is not installed")
def test_lxi_tools(lab):
    port = lab.serve().resource.split("::")[2]
    for message, answer in (("*IDN?", IDENTITY), ("*OPC?;*TST?", "1;0")):
        command = ["lxi", "scpi", "--raw", "--address", "127.0.0.1", "--port", port, message]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert (ended.returncode, ended.stdout.strip()) == (0, answer), ended.stderr
