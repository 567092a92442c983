"""Simulated SIM928 isolated voltage source.

SIM928 Isolated Voltage Source Operation and Service Manual: 2.4.4 output commands, 2.4.5 battery
commands, 2.5.7 overload status; specifications: ±20 V in steps of 1 mV, 10 mA.
"""

from __future__ import annotations

import math

from sim_instruments.bench.plug import Plug
from sim_instruments.bench.srs_box import Arguments, SrsBox, chosen, real

FULL_SCALE = 20.0
LARGEST_CURRENT = 0.010

_OVERLOAD, _BATTERY_SWITCHED, _BATTERY_FAULT = 1 << 0, 1 << 2, 1 << 3
_IN_USE, _CHARGING = 1, 2


class Sim928(SrsBox):
    """A module in a slot.

    Args:
        plug: of the mainframe.
        slot: its channel, "1" to "8".
    """

    def __init__(self, plug: Plug, slot: str) -> None:
        super().__init__(f"Stanford_Research_Systems,SIM928,s/n00310{slot},ver2.2")
        self._plug = plug
        self._slot = slot
        self._volts, self._is_on = 0.0, False
        self._status = 0
        self._batteries = [_IN_USE, _CHARGING]
        self.asks_for_batteries = False
        self.on("VOLT", self._set_volts, 1)
        self.on("VOLT?", lambda _: f"{self._volts:+.3f}")
        self.on("OPON", lambda _: self._switch(True))
        self.on("OPOF", lambda _: self._switch(False))
        self.on("EXON", lambda words: self._switch(chosen(words[0], ("OFF", "ON")) == "ON"), 1)
        self.on("EXON?", lambda _: self.token(self._is_on))
        self.on("BCOR", lambda _: self.swap_batteries())
        self.on("BATS?", self._tell_batteries)
        self.on("OVCR?", lambda _: str(self._overload()))
        self.on("OVSR?", lambda _: self._take_status())
        self._drive()

    def reset(self) -> None:
        """0 V, off."""
        self._volts, self._is_on = 0.0, False
        self._drive()

    def clear(self) -> None:
        """The overload status too."""
        super().clear()
        self._status = 0

    def swap_batteries(self) -> None:
        """The one in use goes to the charger."""
        self._batteries.reverse()
        self._status |= _BATTERY_SWITCHED

    def break_battery(self) -> None:
        """A fault of the batteries, as their own electronics report it."""
        self._status |= _BATTERY_FAULT

    def _set_volts(self, arguments: Arguments) -> None:
        self._volts = round(real(arguments[0], -FULL_SCALE, FULL_SCALE), 3) + 0.0
        self._drive()

    def _switch(self, on: bool) -> None:
        self._is_on = on
        self._drive()

    def _drive(self) -> None:
        level = self._volts if self._is_on else None
        if level is not None and self._overload():
            # As much as the largest current makes at the load.
            ohms = abs(level / self._plug.load_current(self._slot, level))
            level = math.copysign(LARGEST_CURRENT * ohms, level)
        self._plug.drive(self._slot, level)
        self._status |= self._overload()

    def _overload(self) -> int:
        if not self._is_on:
            return 0
        current = self._plug.load_current(self._slot, self._volts)
        return _OVERLOAD if abs(current) > LARGEST_CURRENT else 0

    def _tell_batteries(self, _: Arguments) -> str:
        first, second = self._batteries
        return f"{first},{second},{int(self.asks_for_batteries)}"

    def _take_status(self) -> str:
        status, self._status = self._status, 0
        return str(status)
