"""Keithley 2600B source-measure units, one or two channels, by TSP.

Series 2600B System SourceMeter Reference Manual (2600BS-901-01), section "TSP command reference":
smuX.source, smuX.measure, smuX.sense, smuX.nvbuffer1, format, localnode.linefreq.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.keithley_2600_settings import (
    MODELS,
    Keithley2600Channel,
    Keithley2600Settings,
)
from drivers.instruments.keithley_2600_setup import Keithley2600Setup
from drivers.instruments.keithley_2600_sweep import (
    LARGEST_BUFFER,
    LARGEST_LIST,
    Keithley2600Sweep,
)
from drivers.instruments.scpi_identity import identify
from drivers.instruments.smu_settings import OTHER, UNITS, Quantity
from drivers.instruments.tsp_talk import TspTalk
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import InstrumentError
from mgd_lab.experiment.instrument_settings import InstrumentDriver

Float64 = NDArray[np.float64]

_LETTERS: dict[Quantity, str] = {"voltage": "v", "current": "i"}
# Specifications, "Maximum measurement and source times": 20 000 readings a second at 0.001 PLC.
_OVERHEAD = 50e-6


class Keithley2600:
    """Sources "smua" and "smub", and their meters "smua.measure" and "smub.measure".

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: Keithley2600Settings, library: Any) -> None:
        self._name = name
        self._settings = settings
        self._functions = settings.functions
        self._ranges = MODELS[settings.model]
        self._talk = Conversation(library, settings.resource, settings.timeout_seconds, name)
        self._tsp = TspTalk(self._talk)
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._letters = {
            channel: (_LETTERS[own.source], _LETTERS[OTHER[own.source]])
            for channel, own in self._functions.items()
        }
        self._setup = Keithley2600Setup(self._tsp, self._talk.place, settings, self._letters)
        self._is_on = False
        self._paced_by: Pace = "own"
        self._tripped: set[str] = set()
        self._sweep = Keithley2600Sweep(
            self._tsp,
            self._talk.place,
            self._letters,
            input_line=settings.trigger_input_line,
            output_line=settings.trigger_output_line,
            patience_seconds=settings.timeout_seconds,
        )

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
        """The sources, then the meters."""
        pairs = [
            self._ranges.channels(own, channel, f"{channel}.measure")
            for channel, own in self._functions.items()
        ]
        return (*(source for source, _ in pairs), *(meter for _, meter in pairs))

    @property
    def times(self) -> InstrumentTimes:
        """Its channels measure one after another when they are asked, at once in a list."""
        readings = [self._reading_seconds(own) for own in self._functions.values()]
        return InstrumentTimes(
            exchange=5e-4,
            level=5e-5,
            reading=sum(readings),
            list_step=max(readings) + 1e-4,
            transfer=1.6e-5,
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
        """Readings that a dedicated buffer keeps."""
        return LARGEST_BUFFER

    @property
    def trigger_delay_seconds(self) -> float:
        """From a level, a trigger or a query to the reading: the shortest of its channels."""
        return min(own.source_delay_seconds for own in self._functions.values())

    def connect(self) -> None:
        """Opens the link; IdentityError where it is not the model that the settings name."""
        self._talk.open()
        model = f"Model {self._settings.model}"
        self._identity |= identify(self._talk, self._settings.identity, (model,))

    def configure(self) -> None:
        """Limit, then ranges and the rest, read back; outputs that are on stay so."""
        self.take_errors()
        self._sweep.forget()
        self._tsp.run(
            [
                *self._sweep.aborting(),
                "format.data = format.ASCII",
                "format.asciiprecision = 10",
                "format.byteorder = format.LITTLEENDIAN",
                *self._sweep.lines(),
            ]
        )
        self._is_on = self.outputs_are_on()
        self._setup.apply(outputs_are_on=self._is_on)
        self._tsp.refuse("its configuration")

    def take_errors(self) -> Sequence[str]:
        """Drains the error queue."""
        return self._tsp.errors()

    def close(self) -> None:
        """Ends the session."""
        self._talk.close()

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """One exchange for both channels; LimitError where a level is too big.

        While outputs are on it tells of compliance at the levels that stood.
        """
        statements = [
            f"{channel}.source.level{self._letters[channel][0]} = {level:.9g}"
            for channel, level in levels.items()
            if channel in self._letters
        ]
        what = f"setting {', '.join(f'{v:g}' for v in levels.values())}"
        if not self._is_on:
            self._tsp.act(statements, what)
            return
        # The state is one of now: of a level in the middle of a block nothing is left after it.
        asked = [f"{channel}.source.compliance" for channel in self._letters]
        self._note_compliance(self._tsp.ask_and_act(asked, statements, what))

    def read_levels(self) -> Mapping[str, float]:
        """As programmed."""
        found = self._tsp.numbers(
            *(f"{channel}.source.level{source}" for channel, (source, _) in self._letters.items())
        )
        return dict(zip(self._letters, found, strict=True))

    def switch_outputs(self, on: bool) -> None:
        """The interlock can refuse it (802)."""
        self._is_on = False
        state = "ON" if on else "OFF"
        statements = [
            f"{channel}.source.output = {channel}.OUTPUT_{state}" for channel in self._letters
        ]
        self._tsp.act(statements, f"switching {state.lower()}")
        self._is_on = on
        if on:
            # What was met until now was met by whoever had them on before.
            self._tripped.clear()

    def outputs_are_on(self) -> bool:
        """As it tells."""
        return any(self._tsp.numbers(*(f"{channel}.source.output" for channel in self._letters)))

    def look_for_trips(self) -> Sequence[str]:
        """Compliance now, at an earlier level, in a reading or in a list; an output that went off.

        An earlier level is one that `set_levels` has replaced since the last look.
        """
        channels = list(self._letters)
        states = self._tsp.values(
            *(f"{channel}.source.compliance" for channel in channels),
            *(f"{channel}.source.output" for channel in channels),
        )
        in_lists = self._sweep.take_compliances()
        trips: list[str] = []
        for k, channel in enumerate(channels):
            own = self._functions[channel]
            limit = f"{own.compliance:g} {UNITS[OTHER[own.source]]}"
            if states[k] != "false":
                trips.append(f"{channel} is in compliance at {limit}")
            elif channel in self._tripped:
                trips.append(f"{channel} was in compliance at {limit} since the last look")
            if channel in in_lists:
                steps = in_lists[channel]
                trips.append(
                    f"{steps} steps of the list of {channel} were in compliance at {limit}"
                )
            if self._is_on and float(states[len(channels) + k]) == 0:
                trips.append(f"the output of {channel} went off by itself")
        self._tripped.clear()
        return trips

    def measure(self, count: int) -> Float64:
        """(count, channels), in V or A."""
        self._need_outputs()
        found = self._measured_once() if count == 1 else self._measured(count)
        flat = self._talk.readings(found.reshape(-1), "its meters")
        return flat.reshape(count, len(self._letters))

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Lists, each of whose steps is measured too."""
        self._need_outputs()
        self._sweep.forget()
        self._sweep.load(levels, pace, dwell_seconds)
        self._tsp.refuse("loading its list")
        self._paced_by = pace

    def arm_list(self) -> None:
        """Leaves idle where triggers pace it; otherwise `start_list` does."""
        if self._paced_by == "trigger":
            self._sweep.initiate()

    def start_list(self) -> None:
        """Leaves idle."""
        self._sweep.initiate()

    def steps_played(self) -> int:
        """By the readings that it took."""
        return self._sweep.steps_played()

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """A reading a trigger; of an instrument that plays a list, a reading a step."""
        self._need_outputs()
        if self._sweep.arm_buffer(count, pace):
            self._tsp.refuse("arming")
            self._sweep.initiate()

    def fetch_buffer(self, count: int) -> Float64:
        """(count, channels), in V or A."""
        found = self._sweep.fetch(count)
        return self._talk.readings(found.reshape(-1), "the buffers").reshape(found.shape)

    def _reading_seconds(self, own: Keithley2600Channel) -> float:
        aperture = own.nplc / self._settings.line_frequency_hertz
        return (
            own.source_delay_seconds + aperture * (3 if self._settings.autozero else 1) + _OVERHEAD
        )

    def _measured_once(self) -> Float64:
        """Value and compliance of each channel, in one exchange."""
        expressions = [
            expression
            for channel, (_, measured) in self._letters.items()
            for expression in (f"{channel}.measure.{measured}()", f"{channel}.source.compliance")
        ]
        answers = self._tsp.values(*expressions)
        self._note_compliance(answers[1::2])
        try:
            return np.array([[float(text) for text in answers[::2]]])
        except ValueError as error:
            raise InstrumentError(
                f"{self._talk.place}: it printed {answers}, where readings were expected"
            ) from error

    def _note_compliance(self, states: Sequence[str]) -> None:
        """Of each channel, as print() tells it."""
        told = zip(self._letters, states, strict=True)
        self._tripped |= {channel for channel, state in told if state != "false"}

    def _measured(self, count: int) -> Float64:
        columns: list[Float64] = []
        for channel, (_, measured) in self._letters.items():
            buffer = f"{channel}.nvbuffer1"
            self._tsp.run(
                [
                    f"{buffer}.clear()",
                    f"{channel}.measure.count = {count}",
                    f"{channel}.measure.{measured}({buffer})",
                    f"{channel}.measure.count = 1",
                ]
            )
            columns.append(self._tsp.table(buffer, count, "readings")[:, 0])
        return np.stack(columns, axis=1)

    def _need_outputs(self) -> None:
        if not self._is_on:
            raise InstrumentError(
                f"{self._talk.place}: its outputs are off, and what it measures then is not the "
                "chip. Map its sources too, so that they are switched on with the others"
            )


DRIVER = InstrumentDriver(settings=Keithley2600Settings, build=Keithley2600)
