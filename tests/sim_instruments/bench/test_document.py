"""The example of docs/simulated-bench.md works."""

from __future__ import annotations

import re
from pathlib import Path

from sim_instruments.bench.clock import VirtualClock
from sim_instruments.bench.wiring import Wiring
from sim_instruments.bench.world import World

DOCUMENT = Path(__file__).parents[3] / "docs" / "simulated-bench.md"


def test_the_supply():
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(code, names)  # what is executed stands in the document
    world = World(None, Wiring((), ()), VirtualClock())
    supply = names["INSTRUMENT"].build("supply", None, world.plug("supply"))
    supply.respond(b"VOLT 2.5;:OUTP ON\n")
    assert world.level("supply", "1") == 2.5
    assert supply.respond(b"SOUR:VOLT:LEV?;:MEAS:CURR?\n") == b"+2.500000E+00;+2.500000E-06\n"
    supply.respond(b"VOLT 11;:OUTP2 ON;*RST\n")
    assert world.level("supply", "1") == 2.5  # a command error ends its message
    supply.respond(b"*RST\n")
    assert world.level("supply", "1") is None
    assert supply.respond(b"SYST:ERR?\n") == b'-222,"Data out of range"\n'
    assert supply.respond(b"SYST:ERR?\n") == b'-114,"Header suffix out of range"\n'
