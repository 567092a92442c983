"""Keithley 2400 and 2401 source-measure units.

Series 2400 SourceMeter User's Manual (2400S-900-01 Rev. K), section 18 "SCPI Command Reference":
SOURce, SENSe, OUTPut, FORMat and SYSTem subsystems; section 13 for output-off states, section 6 for
compliance, appendix B for its error numbers. The unit measures only while its output is on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from drivers.instruments.keithley_2400_sweep import Keithley2400Sweep
from drivers.instruments.scpi_identity import identify
from drivers.instruments.scpi_smu import METER, OFF_STATES, SOURCE, Player, ScpiSmu
from drivers.instruments.smu_settings import SmuFunction, SmuRanges
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

Float64 = NDArray[np.float64]

_CURRENTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
_RANGES = {
    "2400": SmuRanges((0.2, 2.0, 20.0, 200.0), _CURRENTS, 1.05, 0.01, 10.0),
    "2401": SmuRanges((0.2, 2.0, 20.0), _CURRENTS, 1.05, 0.01, 10.0),
}
_MOST_ERRORS = 10
# Appendix A, timing of the source-delay-measure cycle: conversion, and what the firmware adds.
_CONVERSION, _OVERHEAD, _OVERHEAD_WITH_AUTOZERO = 185e-6, 640e-6, 2.15e-3


class Keithley2400Settings(InstrumentSettings, SmuFunction):
    """Section of a Keithley 2400 or 2401 in a chip file; `nplc` is 0.01 to 10."""

    model: Literal["2400", "2401"] = Field(default="2400", description="as *IDN? names it")
    terminals: Literal["front", "rear"] = Field(default="front", description="that are wired")
    output_off: Literal["normal", "high_impedance", "zero", "guard"] = Field(
        default="normal", description="what the output is while it is off (section 13)"
    )
    autozero: bool = Field(
        default=False,
        description="measure zero and reference with each reading, which takes three times as "
        "long; false: once, when the instrument is configured",
    )
    line_frequency_hertz: Literal[50, 60] = Field(
        default=50, description="of the mains; the instrument's own, which is compared"
    )
    trigger_input_line: Literal[1, 2, 3, 4] = Field(
        default=1, description="line of the trigger link that steps a list or takes a reading"
    )
    trigger_output_line: Literal[1, 2, 3, 4] = Field(
        default=2, description="line of the trigger link that gives a pulse at each step of a list"
    )

    @model_validator(mode="after")
    def _have_what_the_model_has(self) -> Self:
        _RANGES[self.model].check(self, self.model)
        if self.trigger_input_line == self.trigger_output_line:
            raise key_problem("the line is the trigger input already", "trigger_output_line")
        return self


class Keithley2400(ScpiSmu):
    """A source, channel "1", and a meter of the other quantity, channel "sense".

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Keithley2400Settings, library: Any) -> None:
        resource = settings.resource
        talk = Conversation(library, resource, settings.timeout_seconds, name)
        super().__init__(name, settings, talk, resource, _MOST_ERRORS)
        self._settings = settings
        self._ranges = _RANGES[settings.model]
        # RS-232 carries no binary data (error +701).
        self._as_text = resource.upper().startswith("ASRL")
        self._sweep = Keithley2400Sweep(
            self._talk,
            self._remembered,
            self._source,
            as_text=self._as_text,
            delay_seconds=settings.source_delay_seconds,
            reading_seconds=self._conversion,
        )

    @property
    def _player(self) -> Player:
        return self._sweep

    @property
    def _trip_query(self) -> str:
        return f"SENS:{self._sense}:PROT:TRIP?"

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """What it sources, and what it measures of it."""
        return self._ranges.channels(self._settings, SOURCE, METER)

    @property
    def times(self) -> InstrumentTimes:
        """By appendix A of the manual; an exchange on GPIB takes about a millisecond."""
        reading = self._settings.source_delay_seconds + self._conversion
        return InstrumentTimes(
            exchange=1e-3, level=5e-5, reading=reading, list_step=reading, transfer=8e-6
        )

    @property
    def largest_list(self) -> int:
        """Steps of a list."""
        return self._sweep.largest

    @property
    def counts_steps(self) -> bool:
        """By the instrument."""
        return True

    @property
    def largest_buffer(self) -> int:
        """Readings that it keeps."""
        return self._sweep.largest

    @property
    def trigger_delay_seconds(self) -> float:
        """From a level, a trigger or a query to its reading."""
        return self._settings.source_delay_seconds

    def connect(self) -> None:
        """Opens the link; IdentityError where it is not the model that the settings name."""
        self._talk.open()
        if self._sweep.is_under_way:
            # It was known to be a 2400 when it was initiated, and answers nothing until then.
            self._talk.tell("ABOR")
        settings = self._settings
        self._identity |= identify(self._talk, settings.identity, (f"MODEL {settings.model}",))

    def configure(self) -> None:
        """Compliance, then ranges and the rest, read back; an output that is on stays so."""
        self.take_errors()
        self._talk.tell("ABOR")
        self._sweep.forget()
        self._remembered.forget()
        self._is_on = self.outputs_are_on()
        for query, command, value in self._that_switch_off():
            self._set_unless_so(query, command, value)
        for command in self._commands():
            self._talk.tell(command)
        self._read_back()
        self._queue.refuse("its configuration")

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """One exchange, which tells of compliance at the level that stood; LimitError for −222."""
        self._remembered.set({f"SOUR:{self._source}:MODE": "FIX"})
        for level in levels.values():
            self._set_level(f"SOUR:{self._source}:LEV {level:.9g}", level)

    def read_levels(self) -> Mapping[str, float]:
        """As programmed."""
        return {SOURCE: self._talk.ask_number(f"SOUR:{self._source}:LEV?")}

    def measure(self, count: int) -> Float64:
        """(count, 1), in V or A."""
        self._need_output()
        parts = [
            self._sweep.read(min(self._sweep.largest, count - k))
            for k in range(0, count, self._sweep.largest)
        ]
        return self._talk.readings(np.concatenate(parts), "its meter").reshape(count, 1)

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """A list, each of whose steps is measured too."""
        self._need_output()
        self._talk.tell("ABOR")
        self._sweep.forget()
        self._sweep.load(levels[SOURCE], pace, dwell_seconds)
        self._queue.refuse("loading its list")
        self._paced_by = pace

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """A reading a trigger; of an instrument that plays a list, a reading a step."""
        self._need_output()
        if self._sweep.arm_buffer(count, pace):
            self._queue.refuse("arming")
            self._sweep.initiate()

    @property
    def _conversion(self) -> float:
        settings = self._settings
        once = settings.nplc / settings.line_frequency_hertz + _CONVERSION
        return 3 * once + _OVERHEAD_WITH_AUTOZERO if settings.autozero else once + _OVERHEAD

    def _that_switch_off(self) -> Sequence[tuple[str, str, str]]:
        """Query, command and value of what switches the output off where it changes."""
        settings = self._settings
        return (
            ("SOUR:FUNC?", "SOUR:FUNC", self._source),
            ("ROUT:TERM?", "ROUT:TERM", "FRON" if settings.terminals == "front" else "REAR"),
            ("SYST:RSEN?", "SYST:RSEN", "1" if settings.four_wire else "0"),
        )

    def _commands(self) -> Sequence[str]:
        settings, source, sense = self._settings, self._source, self._sense
        meter = self._ranges.meter_range(settings)
        return (
            # An automatic range lets any compliance be set; the fixed one follows it.
            "SENS:FUNC:CONC OFF",
            f'SENS:FUNC "{sense}"',
            f"SENS:{sense}:RANG:AUTO ON",
            f"SENS:{sense}:PROT {settings.compliance:g}",
            f"SENS:{sense}:RANG {meter:g}",
            f"SOUR:{source}:RANG {settings.source_range:g}",
            f"SENS:{sense}:NPLC {settings.nplc:g}",
            "SENS:AVER OFF",
            *(("SYST:AZER ON",) if settings.autozero else ("SYST:AZER OFF", "SYST:AZER ONCE")),
            f"OUTP:SMOD {OFF_STATES[settings.output_off]}",
            "SOUR:CLE:AUTO OFF",
            f"SOUR:{source}:MODE FIX",
            f"FORM:DATA {'ASC' if self._as_text else 'SRE'}",
            "FORM:BORD SWAP",
            f"FORM:ELEM {sense},STAT",
            "ARM:SOUR IMM",
            "ARM:COUN 1",
            "TRIG:DEL 0",
            "TRIG:INP SOUR",
            f"TRIG:ILIN {settings.trigger_input_line}",
            f"TRIG:OLIN {settings.trigger_output_line}",
            "TRAC:FEED:CONT NEV",
        )

    def _read_back(self) -> None:
        settings, source, sense = self._settings, self._source, self._sense
        expected = (
            (f"SENS:{sense}:PROT?", settings.compliance),
            (f"SOUR:{source}:RANG?", settings.source_range),
            (f"SENS:{sense}:NPLC?", settings.nplc),
            ("SYST:RSEN?", int(settings.four_wire)),
            ("SYST:LFR?", settings.line_frequency_hertz),
        )
        # It answers a range by what that reaches, 5 % more.
        self._check_settings(expected, range_slack=0.051)


DRIVER = InstrumentDriver(settings=Keithley2400Settings, build=Keithley2400)
