"""What the driver's tests share: scripted devices, emulated chips, and literal bytes.

Literals are written out by hand, not made by the codecs that they test.
"""

from __future__ import annotations

import json
import zlib
from types import SimpleNamespace

import pytest

from drivers.scpi import DRIVER, scpi_chip
from mgd_lab.experiment.emulation import EmulationSettings
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

RESOURCE = "TCPIP0::chip.lab::5025::SOCKET"


def settings(**keys):
    keys = {
        "visa_library": "@sim",
        "simulated": {"instrument": "scpi_chip"},
        "retries": {"per_block": 1, "backoff_seconds": 0},
    } | keys
    return DRIVER.settings(driver="scpi", **{"resource": RESOURCE, **keys})


class Script:
    """A device core that expects literal messages and gives literal replies."""

    def __init__(self, *exchanges):
        self.exchanges = list(exchanges)

    def respond(self, message):
        # pytest.fail, since the driver turns every ordinary exception into an error of the link.
        if not self.exchanges:
            pytest.fail(f"nothing more was expected; {message.hex(' ')} was sent")
        expected, reply = self.exchanges.pop(0)
        if message != expected:
            pytest.fail(f"{expected.hex(' ')} was expected; {message.hex(' ')} was sent")
        return reply

    def overrun(self, reason):
        pytest.fail(reason)


DESCRIPTION = json.dumps(
    {"name": "line", "groups": [{"name": "w", "count": 2}], "inputs": 1, "outputs": 1,
     "sample_memory": 8, "largest_block": 4}
).encode()  # fmt: skip
NO_ERROR = (b"SYST:ERR?\n", b'0,"No error"\n')
DESCRIBED = (b"CHIP:DESC?\n", b"#3%d" % len(DESCRIPTION) + DESCRIPTION + b"\n")
IDENTIFIED = (b"*IDN?\n", b"MGD Lab,emulated chip,7,1.0\n")
EPOCH = (b"CHIP:EPOC?\n", b"16909060\n")
OPENING = (IDENTIFIED, IDENTIFIED, NO_ERROR, DESCRIBED, DESCRIBED, EPOCH, EPOCH)


def message(request, reply):
    """An exchange from hexadecimal, the block headers written out by hand."""
    header, _, body = request.partition(" ")
    answer, _, results = reply.partition(" ")
    return (
        b"EXCH? " + header.encode() + bytes.fromhex(body) + b"\n",
        answer.encode() + bytes.fromhex(results) + b"\n",
    )


REOPENING = (EPOCH,)


def sealed(head, data=b""):
    """CRC-32s from an independent calculation."""
    whole = head + data
    return whole + zlib.crc32(whole).to_bytes(4, "little")


def closing(last):
    """Safe values written and read back."""
    epoch, zeros = bytes.fromhex("04030201"), bytes(16)
    one, two = ((last + k).to_bytes(4, "little") for k in (1, 2))
    return (
        (b"EXCH? #236" + sealed(one + bytes.fromhex("130000000000000002000000"), zeros) + b"\n",
         b"#220" + sealed(one + epoch + bytes(8), b"") + b"\n"),
        NO_ERROR,
        (b"EXCH? #220" + sealed(two + bytes.fromhex("140000000000000000000000"), b"") + b"\n",
         b"#236" + sealed(two + epoch + bytes.fromhex("0000000002000000"), zeros) + b"\n"),
    )  # fmt: skip


def closing_after_a_fault(last):
    """What the device still complains of is passed over first."""
    return NO_ERROR, *closing(last)


DENSE = message(
    "#252 05000000 03 01 0000 01000000 02000000 00000040 000080bf 00000000 01000000"
    "00000000 00000000 0000003f 000080be 57bc318c",
    "#236 05000000 04030201 00000000 02000000 000000000000f03f 000000000000b03f 683e71e5",
)
DENSE_AGAIN = message(
    "#232 06000000 03 00 0000 01000000 01000000 01000000 000000bf 0000803e 122c0de5",
    "#228 06000000 04030201 00000000 01000000 000000000000b03f aa9a33b5",
)


DENSE_REPEATED = (
    b"EXCH? #252" + sealed(bytes.fromhex(
        "06000000 03 01 0000 02000000 02000000 00000040 000080bf 00000000 01000000"
        "00000000 00000000 0000003f 000080be"
    )) + b"\n",
    b"#236" + sealed(bytes.fromhex(
        "06000000 04030201 00000000 02000000 000000000000f03f 000000000000b03f"
    )) + b"\n",
)  # fmt: skip


def scripted(*exchanges, sequence=0, **keys):
    script = Script(*exchanges)
    return script, scpi_chip(
        settings(**keys), simulated_library({RESOURCE: script}), sequence=sequence
    )


def emulation(**keys):
    return EmulationSettings(network={"layers": (2, 2, 1), **keys})


def at_sim(**keys):
    core = ScpiChipDevice(emulated_chip(emulation(**keys)), serial="3")
    return scpi_chip(settings(), simulated_library({RESOURCE: core}))


@pytest.fixture
def lab():
    """All of the above."""
    return SimpleNamespace(
        RESOURCE=RESOURCE,
        settings=settings,
        OPENING=OPENING,
        IDENTIFIED=IDENTIFIED,
        DESCRIBED=DESCRIBED,
        EPOCH=EPOCH,
        NO_ERROR=NO_ERROR,
        closing=closing,
        DENSE=DENSE,
        DENSE_AGAIN=DENSE_AGAIN,
        DENSE_REPEATED=DENSE_REPEATED,
        REOPENING=REOPENING,
        closing_after_a_fault=closing_after_a_fault,
        sealed=sealed,
        message=message,
        scripted=scripted,
        emulation=emulation,
        at_sim=at_sim,
        Script=Script,
    )
