"""Keysight 34461A and 34465A multimeters: DC voltage.

Keysight Truevolt Series Operating and Service Guide (34460-90901), chapter "SCPI Programming
Reference": CONFigure, [SENSe:]VOLTage, TRIGger, SAMPle and DATA subsystems, INITiate, READ?, R?.
R? gives readings as text in a definite block; the instrument has no larger answer that is safe to
read by its length.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import ConfigurationError, IdentityError, InstrumentError, LinkError
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

Float64 = NDArray[np.float64]

_CHANNEL = "1"
_FIELDS = ("manufacturer", "model", "serial", "firmware")
_MANUFACTURERS = ("Keysight Technologies", "Agilent Technologies")
_RANGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_NPLC = {
    "34461A": (0.02, 0.2, 1.0, 10.0, 100.0),
    "34465A": (0.02, 0.06, 0.2, 1.0, 10.0, 100.0),
}
# Data sheet 5991-1983EN: readings a second at the most, and readings kept without the option MEM.
_FASTEST = {"34461A": 1000.0, "34465A": 5000.0}
_MEMORY = {"34461A": 10_000, "34465A": 50_000}
# An answer of text longer than this would not be one line any more.
_MOST_IN_A_LINE = 200
_READING_BYTES = 16
_MOST_ERRORS = 20


class Keysight34461ASettings(InstrumentSettings):
    """Section of a Keysight 34461A or 34465A in a chip file."""

    model: Literal["34461A", "34465A"] = Field(default="34461A", description="as *IDN? names it")
    range: float = Field(
        default=10.0,
        description="0.1, 1, 10, 100 or 1000 V; beyond 1.2 times it (at 1000 V: beyond it) a "
        "reading is an overload, which ends the run",
    )
    nplc: float = Field(
        default=1.0, description="integration time in power line cycles: 0.02, 0.2, 1, 10 or 100, "
        "on the 34465A 0.06 too",
    )  # fmt: skip
    autozero: bool = Field(
        default=False,
        description="measure the zero after each reading, which takes as long again; false: once, "
        "when the instrument is configured",
    )
    high_impedance: bool = Field(
        default=False, description="above 10 GΩ in the ranges up to 10 V, instead of 10 MΩ"
    )
    line_frequency_hertz: Literal[50, 60] = Field(
        default=50, description="of the mains; the instrument's own, which is compared"
    )
    trigger_delay_seconds: float = Field(
        default=0.0, ge=0, le=3600, description="from a trigger to the start of its reading"
    )
    trigger_slope: Literal["positive", "negative"] = Field(
        default="negative", description="edge at Ext Trig that triggers"
    )

    @model_validator(mode="after")
    def _have_what_the_model_has(self) -> Self:
        if self.range not in _RANGES:
            known = ", ".join(f"{step:g}" for step in _RANGES)
            raise key_problem(f"there is no range of {self.range:g} V; there are {known}", "range")
        steps = _NPLC[self.model]
        if self.nplc not in steps:
            known = ", ".join(f"{step:g}" for step in steps)
            raise key_problem(f"the {self.model} has no {self.nplc:g} PLC; it has {known}", "nplc")
        return self


class Keysight34461A:
    """A meter of one channel, "1", that measures at once or fills its buffer by triggers.

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Keysight34461ASettings, library: Any) -> None:
        self._name = name
        self._settings = settings
        resource = settings.resource
        self._talk = Conversation(library, resource, settings.timeout_seconds, name)
        self._identity: dict[str, str] = {"resource": resource}
        self._trigger: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """Fields of `*IDN?`, and the resource."""
        return self._identity

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """The input terminals."""
        edge = self._settings.range
        most = edge if edge == 1000 else 1.2 * edge
        return (InstrumentChannel(_CHANNEL, "meter", "V", -most, most),)

    @property
    def times(self) -> InstrumentTimes:
        """Integration, autozero and trigger delay as set; the data sheet's fastest reading."""
        settings = self._settings
        aperture = settings.nplc / settings.line_frequency_hertz
        zeroed = aperture * (2 if settings.autozero else 1)
        reading = settings.trigger_delay_seconds + max(zeroed, 1 / _FASTEST[settings.model])
        # A LAN exchange takes about half a millisecond; text goes at about a megabyte a second.
        return InstrumentTimes(exchange=5e-4, reading=reading, transfer=_READING_BYTES * 1e-6)

    @property
    def trigger_delay_seconds(self) -> float:
        """From a trigger to the start of its reading."""
        return self._settings.trigger_delay_seconds

    @property
    def largest_buffer(self) -> int:
        """Readings that it keeps."""
        return _MEMORY[self._settings.model]

    def connect(self) -> None:
        """Opens the link; IdentityError where it is not the model that the settings name."""
        self._talk.open()
        fields = [field.strip() for field in self._talk.ask("*IDN?").split(",")]
        self._identity |= dict(zip(_FIELDS, fields, strict=False))
        expected = self._settings.identity.model_dump(exclude_none=True)
        expected["model"] = self._settings.model
        for field, value in expected.items():
            if self._identity.get(field) != value:
                raise IdentityError(
                    f"{self._talk.place}: {field} is {self._identity.get(field)!r}, expected "
                    f"{value!r}. Check the keys resource, model and identity"
                )
        if self._identity["manufacturer"] not in _MANUFACTURERS:
            raise IdentityError(
                f"{self._talk.place}: made by {self._identity['manufacturer']!r}; this driver is "
                f"for {' and '.join(_MANUFACTURERS)}"
            )

    def configure(self) -> None:
        """Range, integration, zero, impedance and trigger, and all of them read back."""
        settings, tell = self._settings, self._talk.tell
        self.take_errors()
        tell("ABOR")
        # Sets one immediate reading, too (CONFigure subsystem, "default settings").
        tell(f"CONF:VOLT:DC {settings.range:g}")
        self._trigger = {"TRIG:SOUR": "IMM", "TRIG:COUN": "1", "SAMP:COUN": "1"}
        tell(f"VOLT:DC:NPLC {settings.nplc:g}")
        # ONCE measures the zero now and switches autozero off.
        tell(f"VOLT:DC:ZERO:AUTO {'ON' if settings.autozero else 'ONCE'}")
        tell(f"VOLT:DC:IMP:AUTO {'ON' if settings.high_impedance else 'OFF'}")
        tell(f"TRIG:DEL {settings.trigger_delay_seconds:g}")
        tell(f"TRIG:SLOP {settings.trigger_slope[:3].upper()}")
        self._read_back()
        self._refuse_errors("its configuration")

    def take_errors(self) -> Sequence[str]:
        """Drains the error queue, which holds 20 at most."""
        errors: list[str] = []
        for _ in range(_MOST_ERRORS + 1):
            entry = self._talk.ask("SYST:ERR?")
            if entry.partition(",")[0] in ("+0", "0"):
                return errors
            errors.append(entry)
        raise InstrumentError(
            f"{self._talk.place}: its error queue does not end; the last was {errors[-1]}"
        )

    def close(self) -> None:
        """Ends the session."""
        self._talk.close()

    def measure(self, count: int) -> Float64:
        """(count, 1), in V, each taken after the query came."""
        values: list[float] = []
        while len(values) < count:
            asked = min(count - len(values), _MOST_IN_A_LINE)
            self._set_trigger("IMM", triggers=1, samples=asked)
            values += self._talk.ask_numbers("READ?", asked)
        return self._talk.readings(values, "the input").reshape(count, 1)

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """Waits for `count` triggers at Ext Trig, one reading each, or takes them at once."""
        if count > self.largest_buffer:
            raise ConfigurationError(
                f"{self._talk.place}: {count} readings; the {self._settings.model} keeps "
                f"{self.largest_buffer}. Make blocks smaller"
            )
        self._talk.tell("ABOR")
        if pace == "trigger":
            self._set_trigger("EXT", triggers=count, samples=1)
        else:
            self._set_trigger("IMM", triggers=1, samples=count)
        self._talk.tell("INIT")
        self._refuse_errors("arming")

    def fetch_buffer(self, count: int) -> Float64:
        """(count, 1), in V.

        Waits as long as readings go on coming, the time-out for each.
        """
        held, since = -1, time.monotonic()
        while held < count:
            found = int(self._talk.ask_number("DATA:POIN?"))
            if found > held:
                held, since = found, time.monotonic()
            elif time.monotonic() - since > self._settings.timeout_seconds:
                break
        if held != count:
            self._talk.tell("ABOR")
            raise LinkError(
                f"{self._talk.place}: it holds {held} readings of {count}. Check the trigger "
                "cable, and whether a reading takes longer than a step"
            )
        text = self._talk.ask_block(f"R? {count}").decode("latin-1")
        return self._talk.readings(self._parsed(text, count), "the buffer").reshape(count, 1)

    def _set_trigger(self, source: str, *, triggers: int, samples: int) -> None:
        """Sends what is not so already."""
        wanted = {"TRIG:SOUR": source, "TRIG:COUN": str(triggers), "SAMP:COUN": str(samples)}
        for header, value in wanted.items():
            if self._trigger.get(header) != value:
                self._talk.tell(f"{header} {value}")
                self._trigger[header] = value

    def _parsed(self, text: str, count: int) -> Sequence[float]:
        try:
            values = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise LinkError(
                f"{self._talk.place}: R? gave {text[:60]!r}, where readings were expected"
            ) from error
        if len(values) != count:
            raise LinkError(f"{self._talk.place}: R? gave {len(values)} readings, not {count}")
        return values

    def _read_back(self) -> None:
        settings = self._settings
        for query, expected in (
            ("VOLT:DC:RANG?", settings.range),
            ("VOLT:DC:RANG:AUTO?", 0),
            ("VOLT:DC:NPLC?", settings.nplc),
            ("VOLT:DC:ZERO:AUTO?", int(settings.autozero)),
            ("VOLT:DC:IMP:AUTO?", int(settings.high_impedance)),
            ("TRIG:DEL?", settings.trigger_delay_seconds),
            ("SYST:LFR?", settings.line_frequency_hertz),
        ):
            found = self._talk.ask_number(query)
            if abs(found - expected) > 1e-6 * max(abs(expected), 1e-3):
                raise InstrumentError(
                    f"{self._talk.place}: {query} is {found:g} after it was set to {expected:g}"
                    + ("; give it as line_frequency_hertz" if query == "SYST:LFR?" else "")
                )

    def _refuse_errors(self, after: str) -> None:
        errors = self.take_errors()
        if errors:
            raise InstrumentError(f"{self._talk.place}: errors after {after}: {'; '.join(errors)}")


DRIVER = InstrumentDriver(settings=Keysight34461ASettings, build=Keysight34461A)
