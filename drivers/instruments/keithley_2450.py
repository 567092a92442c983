"""Keithley 2450 source-measure unit, in its SCPI command set.

Model 2450 Interactive SourceMeter Reference Manual (2450-901-01), section 6 "SCPI command
reference": SOURce, SENSe, OUTPut, FORMat, TRACe, TRIGger and SYSTem subsystems; section 2 for
output-off states and limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from drivers.instruments.keithley_2450_blocks import (
    LARGEST_BUFFER,
    LARGEST_LIST,
    Keithley2450Blocks,
)
from drivers.instruments.scpi_identity import identify
from drivers.instruments.scpi_smu import METER, OFF_STATES, SOURCE, Player, ScpiSmu
from drivers.instruments.smu_settings import Quantity, SmuFunction, SmuRanges
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import InstrumentError
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

Float64 = NDArray[np.float64]

_LIMITS: dict[Quantity, str] = {"voltage": "ILIM", "current": "VLIM"}
_RANGES = SmuRanges(
    (0.02, 0.2, 2.0, 20.0, 200.0),
    (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
    1.05,
    0.01,
    10.0,
)
_MOST_ERRORS = 1000
_MOST_AT_ONCE = 10_000
# Data sheet: 3130 readings a second to memory at 0.01 PLC and 60 Hz.
_OVERHEAD = 1 / 3130 - 0.01 / 60
_READ = 'READ? "defbuffer1",READ'


class Keithley2450Settings(InstrumentSettings, SmuFunction):
    """Section of a Keithley 2450 in a chip file; `nplc` is 0.01 to 10.

    `source_delay_seconds` is waited for in lists and buffers, not after a query.
    """

    terminals: Literal["front", "rear"] = Field(default="front", description="that are wired")
    output_off: Literal["normal", "high_impedance", "zero", "guard"] = Field(
        default="normal", description="what the output is while it is off (section 2)"
    )
    autozero: bool = Field(
        default=False,
        description="measure zero and reference with each reading, which takes three times as "
        "long; false: once, when the instrument is configured",
    )
    line_frequency_hertz: Literal[50, 60] = Field(
        default=50, description="of the mains; the instrument's own, which is compared"
    )
    trigger_input_line: Literal[1, 2, 3, 4, 5, 6] = Field(
        default=1, description="digital line whose falling edge steps a list or takes a reading"
    )
    trigger_output_line: Literal[1, 2, 3, 4, 5, 6] = Field(
        default=2, description="digital line that gives a pulse at each step of a list"
    )

    @model_validator(mode="after")
    def _have_what_it_has(self) -> Self:
        _RANGES.check(self, "2450")
        if self.trigger_input_line == self.trigger_output_line:
            raise key_problem("the line is the trigger input already", "trigger_output_line")
        return self


class Keithley2450(ScpiSmu):
    """A source, channel "1", and a meter of the other quantity, channel "sense".

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Keithley2450Settings, library: Any) -> None:
        resource = settings.resource
        talk = Conversation(library, resource, settings.timeout_seconds, name)
        super().__init__(name, settings, talk, resource, _MOST_ERRORS)
        self._settings = settings
        self._limit = f"SOUR:{self._source}:{_LIMITS[settings.source]}"
        self._blocks = Keithley2450Blocks(
            self._talk,
            self._source,
            input_line=settings.trigger_input_line,
            output_line=settings.trigger_output_line,
            delay_seconds=settings.source_delay_seconds,
            patience_seconds=settings.timeout_seconds,
        )

    @property
    def _player(self) -> Player:
        return self._blocks

    @property
    def _trip_query(self) -> str:
        return f"{self._limit}:TRIP?"

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """What it sources, and what it measures of it."""
        return _RANGES.channels(self._settings, SOURCE, METER)

    @property
    def times(self) -> InstrumentTimes:
        """Integration, autozero and delay as set; the data sheet's overhead of a reading."""
        settings = self._settings
        aperture = settings.nplc / settings.line_frequency_hertz
        conversion = aperture * (3 if settings.autozero else 1) + _OVERHEAD
        reading = settings.source_delay_seconds + conversion
        return InstrumentTimes(
            exchange=5e-4, level=5e-4, reading=reading, list_step=reading + 5e-4, transfer=8e-6
        )

    @property
    def largest_list(self) -> int:
        """Steps of a list."""
        return LARGEST_LIST

    @property
    def counts_steps(self) -> bool:
        """By the instrument."""
        return True

    @property
    def largest_buffer(self) -> int:
        """Readings that defbuffer1 keeps."""
        return LARGEST_BUFFER

    def connect(self) -> None:
        """Opens the link; IdentityError for another model, InstrumentError for another language."""
        self._talk.open()
        self._identity |= identify(self._talk, self._settings.identity, ("MODEL 2450",))
        language = self._talk.ask("*LANG?")
        if language != "SCPI":
            raise InstrumentError(
                f"{self._talk.place}: its command set is {language}. Choose SCPI (*LANG SCPI, or "
                "at its front), and switch it off and on"
            )

    def configure(self) -> None:
        """Limit, then ranges and the rest, read back; an output that is on stays so."""
        self.take_errors()
        self._talk.tell("ABOR")
        self._blocks.forget()
        self._remembered.forget()
        self._is_on = self.outputs_are_on()
        for query, command, value in self._that_switch_off():
            self._set_unless_so(query, command, value)
        for command in (*self._commands(), *self._blocks.lines()):
            self._talk.tell(command)
        self._read_back()
        self._queue.refuse("its configuration")

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """One exchange, which tells of compliance at the level that stood; LimitError for −222."""
        for level in levels.values():
            self._set_level(f"SOUR:{self._source} {level:.9g}", level)

    def read_levels(self) -> Mapping[str, float]:
        """As programmed; after a list, its last level."""
        return {SOURCE: self._talk.ask_number(f"SOUR:{self._source}?")}

    def measure(self, count: int) -> Float64:
        """(count, 1), in V or A."""
        self._need_output()
        parts = [
            self._measured(min(_MOST_AT_ONCE, count - k)) for k in range(0, count, _MOST_AT_ONCE)
        ]
        return self._talk.readings(np.concatenate(parts), "its meter").reshape(count, 1)

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """A list, each of whose steps is measured too."""
        self._need_output()
        self._talk.tell("ABOR")
        self._blocks.forget()
        self._remembered.set({"SENS:COUN": "1"})
        self._blocks.load(levels[SOURCE], pace, dwell_seconds)
        self._queue.refuse("loading its list")
        self._paced_by = pace

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """A reading a trigger; of an instrument that plays a list, a reading a step."""
        self._need_output()
        self._remembered.set({"SENS:COUN": "1"})
        if self._blocks.arm_buffer(count, pace):
            self._queue.refuse("arming")
            self._blocks.initiate()

    def _measured(self, count: int) -> Float64:
        self._remembered.set({"SENS:COUN": str(count)})
        if count == 1:
            return np.frombuffer(self._talk.ask_block(_READ, indefinite_bytes=8), "<f8")
        # READ? gives the last reading only; the others stay in the buffer.
        self._talk.tell('TRAC:CLE "defbuffer1"')
        self._talk.tell('TRAC:TRIG "defbuffer1"')
        return self._blocks.stored(count)

    def _that_switch_off(self) -> Sequence[tuple[str, str, str]]:
        """Query, command and value of what switches the output off where it changes."""
        settings, sense = self._settings, self._sense
        return (
            ("SOUR:FUNC?", "SOUR:FUNC", self._source),
            ("ROUT:TERM?", "ROUT:TERM", "FRON" if settings.terminals == "front" else "REAR"),
            (f"SENS:{sense}:RSEN?", f"SENS:{sense}:RSEN", "1" if settings.four_wire else "0"),
        )

    def _commands(self) -> Sequence[str]:
        settings, source, sense = self._settings, self._source, self._sense
        return (
            f'SENS:FUNC "{sense}"',
            # The limit must be above a thousandth of a fixed range of the meter.
            f"SENS:{sense}:RANG:AUTO ON",
            f"{self._limit} {settings.compliance:g}",
            # A range to which the limit is not appropriate changes it; it is read back.
            f"SOUR:{source}:RANG {settings.source_range:g}",
            f"SENS:{sense}:RANG {_RANGES.meter_range(settings):g}",
            f"SENS:{sense}:NPLC {settings.nplc:g}",
            f"SENS:{sense}:AVER OFF",
            f"SENS:{sense}:AZER {'ON' if settings.autozero else 'OFF'}",
            *(() if settings.autozero else ("SENS:AZER:ONCE",)),
            f"OUTP:{source}:SMOD {OFF_STATES[settings.output_off]}",
            f"SOUR:{source}:DEL 0",
            f"SOUR:{source}:READ:BACK OFF",
            "FORM REAL",
            "FORM:BORD SWAP",
        )

    def _read_back(self) -> None:
        settings, source, sense = self._settings, self._source, self._sense
        expected = (
            (f"{self._limit}?", settings.compliance),
            (f"SOUR:{source}:RANG?", settings.source_range),
            (f"SENS:{sense}:RANG?", _RANGES.meter_range(settings)),
            (f"SENS:{sense}:NPLC?", settings.nplc),
            (f"SENS:{sense}:RSEN?", int(settings.four_wire)),
            ("SYST:LFR?", settings.line_frequency_hertz),
        )
        self._check_settings(expected, range_slack=1e-4)


DRIVER = InstrumentDriver(settings=Keithley2450Settings, build=Keithley2450)
