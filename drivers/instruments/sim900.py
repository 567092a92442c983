"""Stanford Research SIM900 mainframe with SIM928 isolated voltage sources.

SIM900 Mainframe Operation and Service Manual, chapter "Remote Operation": CONN, CTCR?, *ESR?.
SIM928 Isolated Voltage Source Operation and Service Manual, chapter 2: 2.4.4 output commands (VOLT,
OPON, OPOF, EXON), 2.4.5 battery commands (BATS?), 2.4.7 and 2.4.8 (OVCR?, OVSR?, LEXE?, LCME?,
TOKN), 2.5 status model.

A module is spoken to by connecting the host with its port until an escape string comes. Each
command goes with a query behind it, so that the module itself says that it has carried it out.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from pydantic import Field, model_validator

from drivers.instruments.conversation import Conversation
from drivers.instruments.scpi_identity import identify
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes
from mgd_lab.errors import IdentityError, InstrumentError, LimitError, LinkError
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings

FULL_SCALE = 20.0
STEP = 0.001

_SLOTS = tuple(str(slot) for slot in range(1, 9))
_MAINFRAME, _MODULE = "SIM900", "SIM928"
_ESCAPE = "xyz"
# 9600 baud between mainframe and modules, 10 bits a byte (after power-on, SIM928 manual 2.3.1).
_BYTE_SECONDS = 10 / 9600
_LEVEL_BYTES = len("VOLT -12.345;LEXE?\n") + len("0\r\n")
_CONNECTION_BYTES = len('CONN 1,"xyz"\n') + len("xyz\n")
_ILLEGAL_VALUE = 1
_EXECUTION = {1: "illegal value", 2: "wrong token", 3: "invalid bit"}
_EVENTS = {2: "query error", 3: "device error", 4: "execution error", 5: "command error"}
_TRIPS = {0: "current overload", 1: "overvoltage", 3: "battery fault"}


class Sim900Settings(InstrumentSettings):
    """Section of a SIM900 mainframe in a chip file."""

    slots: tuple[str, ...] = Field(
        min_length=1,
        description='those whose SIM928 belong to the chip, "1" to "8"; no other is touched',
    )
    low: float = Field(default=-FULL_SCALE, ge=-FULL_SCALE, le=FULL_SCALE, description="lowest, V")
    high: float = Field(default=FULL_SCALE, ge=-FULL_SCALE, le=FULL_SCALE, description="highest, V")
    worn_batteries: bool = Field(
        default=False,
        description="go on where a module asks for new batteries; otherwise it is not armed",
    )

    @model_validator(mode="after")
    def _have_what_the_instrument_has(self) -> Self:
        for k, slot in enumerate(self.slots):
            if slot not in _SLOTS:
                raise key_problem(f"there is no slot {slot!r}; there are 1 to 8", "slots")
            if slot in self.slots[:k]:
                raise key_problem(f"slot {slot} is named twice", "slots")
        if not self.low < self.high:
            raise key_problem(f"low ({self.low:g}) must be below high ({self.high:g})", "low")
        return self


class Sim900:
    """A source of one channel a slot, in steps of 1 mV, each behind a switch of its own.

    A level between two steps is rounded to the nearest, as the module has no others.

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Sim900Settings, library: Any) -> None:
        self._name = name
        self._settings = settings
        self._talk = Conversation(library, settings.resource, settings.timeout_seconds, name)
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._told: dict[str, float] = {}

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """Of the mainframe, with the resource, and serial and firmware of each module."""
        return self._identity

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """The slots."""
        low, high = self._settings.low, self._settings.high
        return tuple(
            InstrumentChannel(slot, "source", "V", low, high) for slot in self._settings.slots
        )

    @property
    def times(self) -> InstrumentTimes:
        """An exchange tells every slot, one after another at 9600 baud.

        The manual gives no settling time: it is the chip file's settle_seconds.
        """
        each = _LEVEL_BYTES
        if self._settings.resource.upper().startswith("ASRL"):
            each += _CONNECTION_BYTES
        return InstrumentTimes(exchange=len(self._settings.slots) * each * _BYTE_SECONDS)

    def connect(self) -> None:
        """Opens the link; IdentityError where mainframe or modules are others."""
        self._talk.open()
        if f",{_MODULE}," in self._talk.ask("*IDN?"):
            # A session that broke off has left the mainframe connected with a module.
            self._talk.tell(_ESCAPE)
        self._identity |= identify(self._talk, self._settings.identity, (_MAINFRAME,))
        present = int(self._talk.ask_number("CTCR?"))
        for slot in self._settings.slots:
            if not present >> int(slot) & 1:
                raise IdentityError(
                    f"{self._talk.place}: slot {slot} is empty, or its module is off. Check slots"
                )
            with self._module(slot):
                _, model, *rest = (*self._talk.ask("*IDN?").split(","), "", "")
            if model.strip() != _MODULE:
                raise IdentityError(
                    f"{self._talk.place}: slot {slot} has {model!r}, not a {_MODULE}. Check slots"
                )
            self._identity[f"slot {slot}"] = ",".join(field for field in rest if field).strip()

    def configure(self) -> None:
        """Numbers instead of tokens, batteries looked at, levels and switches readable."""
        self.take_errors()
        self.look_for_trips()
        for slot in self._settings.slots:
            with self._module(slot):
                self._talk.tell("TOKN OFF")
                *_, worn = self._talk.ask_numbers("BATS?", 3)
                self._talk.ask_number("VOLT?")
                self._talk.ask_number("EXON?")
            if worn and not self._settings.worn_batteries:
                raise InstrumentError(
                    f"{self._talk.place}: slot {slot} asks for new batteries. Replace them, or set "
                    "worn_batteries: true"
                )
        errors = self.take_errors()
        if errors:
            raise InstrumentError(
                f"{self._talk.place}: errors after its configuration: {'; '.join(errors)}"
            )

    def take_errors(self) -> Sequence[str]:
        """What mainframe and modules complain of; each keeps its last error only."""
        events = int(self._talk.ask_number("*ESR?"))
        errors = [f"mainframe: {text}" for bit, text in _EVENTS.items() if events >> bit & 1]
        for slot in self._settings.slots:
            with self._module(slot):
                execution = int(self._talk.ask_number("LEXE?"))
                command = int(self._talk.ask_number("LCME?"))
            if execution:
                errors.append(f"slot {slot}: {_execution_error(execution)}")
            if command:
                errors.append(f"slot {slot}: command error {command}")
        return errors

    def close(self) -> None:
        """Ends the session."""
        self._talk.close()

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """Slot → volts; a module answers when it has set its own."""
        low, high = self._settings.low, self._settings.high
        for slot, level in levels.items():
            if not low <= level <= high:
                raise LimitError(
                    f"{self._talk.place}: slot {slot} was to be set to {level:.9g} V; its limits "
                    f"are {low:g} to {high:g} V. Nothing was sent"
                )
        for slot, level in levels.items():
            self._told.pop(slot, None)
            with self._module(slot):
                error = int(self._talk.ask_number(f"VOLT {_rounded(level):.3f};LEXE?"))
            if error:
                kind = LimitError if error == _ILLEGAL_VALUE else InstrumentError
                raise kind(
                    f"{self._talk.place}: slot {slot} does not take {level:.9g} V: "
                    f"{_execution_error(error)}"
                )
            self._told[slot] = level

    def read_levels(self) -> Mapping[str, float]:
        """What each module is set to; a level that it could only take rounded, as it was told."""
        found: dict[str, float] = {}
        for slot in self._settings.slots:
            with self._module(slot):
                level = self._talk.ask_number("VOLT?")
            told = self._told.get(slot, level)
            found[slot] = told if abs(_rounded(told) - level) < STEP / 10 else level
        return found

    def switch_outputs(self, on: bool) -> None:
        """Every slot, each verified."""
        command = "OPON" if on else "OPOF"
        for slot in self._settings.slots:
            with self._module(slot):
                is_on = self._talk.ask_number(f"{command};EXON?") != 0
            if is_on != on:
                raise InstrumentError(
                    f"{self._talk.place}: the output of slot {slot} is still "
                    f"{'on' if is_on else 'off'} after {command}"
                )

    def outputs_are_on(self) -> bool:
        """Whether any of the slots is."""
        found = False
        for slot in self._settings.slots:
            with self._module(slot):
                found |= self._talk.ask_number("EXON?") != 0
        return found

    def look_for_trips(self) -> Sequence[str]:
        """Overloads and battery faults since the last look, or lasting."""
        trips: list[str] = []
        for slot in self._settings.slots:
            with self._module(slot):
                # What lasts has no second edge for OVSR to notice.
                status = int(self._talk.ask_number("OVSR?")) | int(self._talk.ask_number("OVCR?"))
            trips += [f"slot {slot}: {text}" for bit, text in _TRIPS.items() if status >> bit & 1]
        return trips

    @contextmanager
    def _module(self, slot: str) -> Generator[None]:
        """What is said meanwhile goes to the module of a slot."""
        self._talk.tell(f'CONN {slot},"{_ESCAPE}"')
        try:
            yield
        except LinkError:
            # The link is out of step; whoever connects anew finds the module, and leaves it.
            raise
        except BaseException:
            self._talk.tell(_ESCAPE)
            raise
        self._talk.tell(_ESCAPE)


def _rounded(level: float) -> float:
    # No minus before a zero, which the module does not take.
    return round(level, 3) + 0.0


def _execution_error(code: int) -> str:
    return f"execution error {code} ({_EXECUTION.get(code, 'unknown')})"


DRIVER = InstrumentDriver(settings=Sim900Settings, build=Sim900)
