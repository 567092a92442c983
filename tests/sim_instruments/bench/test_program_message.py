"""Messages as instruments get them."""

from __future__ import annotations

import pytest

from mgd_lab.errors import LinkError
from sim_instruments.bench.program_message import Unit, units


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"*IDN?\n", [Unit("*IDN?", ())]),
        (b"\n", []),
        (b"volt:nplc 1;range 10\r\n", [Unit(":VOLT:NPLC", ("1",)), Unit(":VOLT:RANGE", ("10",))]),
        (b":A:B 1;*CLS;C 2", [Unit(":A:B", ("1",)), Unit("*CLS", ()), Unit(":A:C", ("2",))]),
        (b":A:B 1;:C 2", [Unit(":A:B", ("1",)), Unit(":C", ("2",))]),
        (b"D 'a;b,c' , 2", [Unit(":D", ("'a;b,c'", "2"))]),
        (b"ROUT (@1,2,3)\n", [Unit(":ROUT", ("(@1,2,3)",))]),
        (b"DATA x, #13,;\n,4;E?", [Unit(":DATA", ("x", b",;\n", "4")), Unit(":E?", ())]),
        (b"DATA #0;,\n\n", [Unit(":DATA", (b";,\n",))]),
        (b"MASK #HFF", [Unit(":MASK", ("#HFF",))]),
        (b"A ,1", [Unit(":A", ("", "1"))]),
    ],
)
def test_units(message, expected):
    assert units(message) == expected


@pytest.mark.parametrize("message", [b"?\n", b"A #15ab\n", b"A 'open\n", b"A #12ab c\n", b"\xff"])
def test_what_cannot_be_taken_apart(message):
    with pytest.raises(LinkError):
        units(message)
