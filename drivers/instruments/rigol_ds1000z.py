"""Rigol DS1000Z and MSO1000Z oscilloscopes: mean or integral of a window of each input.

MSO1000Z/DS1000Z Series Programming Guide, chapter 2: :RUN, :STOP, :SINGle, :TFORce; :ACQuire,
:CHANnel<n>, :TIMebase, :TRIGger:EDGe, :TRIGger:STATus?; :WAVeform (SOURce, MODE, FORMat, PREamble?,
DATA?), whose formula is volts = (code − YORigin − YREFerence) · YINCrement.

It takes no part in hardware timing. Its waveform recording keeps a frame a trigger, but frames are
replayed one by one to the screen, and nothing that is read with a frame says which one it is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.conversation import Conversation
from drivers.instruments.rigol_ds1000z_settings import (
    HORIZONTAL_DIVISIONS,
    RigolDS1000ZSettings,
    ScopeInput,
)
from drivers.instruments.scpi_identity import identify
from drivers.instruments.scpi_queue import ScpiQueue
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes
from mgd_lab.errors import InstrumentError, LinkError, MeasurementError
from mgd_lab.experiment.instrument_settings import InstrumentDriver

Float64 = NDArray[np.float64]

_ALL_CHANNELS = ("1", "2", "3", "4")
_CODES_PER_DIVISION = 25
_REFERENCE = 127
_LOWEST_CODE, _HIGHEST_CODE = 0, 255
_SCREEN_POINTS = 1200
_MEMORY_POINTS = {1: 12000, 2: 6000, 3: 3000, 4: 3000}
_MODES = {"screen": ("NORM", 0), "memory": ("RAW", 2)}
_BYTE_FORMAT = 0
_EXCHANGE_SECONDS = 5e-4
# :SINGle, :TFORce and two looks at the status; source, preamble and data of each input.
_EXCHANGES_A_READING, _EXCHANGES_AN_INPUT = 4, 3
_MOST_ERRORS = 100


class RigolDS1000Z:
    """A meter with a channel an input; a reading is taken wholly after it was asked for.

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes.
    """

    def __init__(self, name: str, settings: RigolDS1000ZSettings, library: Any) -> None:
        self._name = name
        self._settings = settings
        self._talk = Conversation(library, settings.resource, settings.timeout_seconds, name)
        self._queue = ScpiQueue(self._talk, _MOST_ERRORS)
        self._identity: dict[str, str] = {"resource": settings.resource}

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
        """The inputs, from the lowest to the highest code that is not clipped."""
        first, last = self._settings.window
        factor, unit = (last - first, "V s") if self._settings.take == "integral" else (1.0, "V")
        return tuple(
            InstrumentChannel(
                each.channel,
                "meter",
                unit,
                factor * _volts(each, _LOWEST_CODE + 1),
                factor * _volts(each, _HIGHEST_CODE - 1),
            )
            for each in self._settings.inputs
        )

    @property
    def times(self) -> InstrumentTimes:
        """A screen, the exchanges that a reading takes, and a byte a microsecond."""
        settings = self._settings
        screen = HORIZONTAL_DIVISIONS * settings.seconds_per_division
        inputs = len(settings.inputs)
        exchanges = _EXCHANGES_A_READING + _EXCHANGES_AN_INPUT * inputs
        return InstrumentTimes(
            exchange=_EXCHANGE_SECONDS,
            reading=screen + exchanges * _EXCHANGE_SECONDS,
            transfer=self._points * inputs * 1e-6,
        )

    def connect(self) -> None:
        """Opens the link; IdentityError where it is not the model that the settings name."""
        self._talk.open()
        settings = self._settings
        self._identity |= identify(self._talk, settings.identity, (settings.model,))

    def configure(self) -> None:
        """Inputs, time base, trigger and format, and what is rounded to steps read back."""
        self.take_errors()
        tell, settings = self._talk.tell, self._settings
        tell(":STOP")
        used = [each.channel for each in settings.inputs]
        for channel in _ALL_CHANNELS:
            tell(f":CHAN{channel}:DISP {'ON' if channel in used else 'OFF'}")
        for each in settings.inputs:
            self._configure_input(each)
        tell(":TIM:MODE MAIN")
        tell(f":TIM:SCAL {settings.seconds_per_division:g}")
        tell(":TIM:OFFS 0")
        tell(":ACQ:TYPE NORM")
        self._configure_trigger()
        mode, _ = _MODES[settings.points]
        if settings.points == "memory":
            # The memory is divided anew while it runs only.
            tell(":RUN")
            tell(f":ACQ:MDEP {self._points}")
            tell(":STOP")
        tell(f":WAV:MODE {mode}")
        tell(":WAV:FORM BYTE")
        if settings.points == "memory":
            tell(":WAV:STAR 1")
            tell(f":WAV:STOP {self._points}")
        self._read_back()
        self._queue.refuse("its configuration")

    def take_errors(self) -> Sequence[str]:
        """Drains the error queue."""
        return self._queue.drain()

    def close(self) -> None:
        """Ends the session."""
        self._talk.close()

    def measure(self, count: int) -> Float64:
        """(count, inputs), in V or V s; an acquisition each."""
        readings = np.empty((count, len(self._settings.inputs)))
        for row in readings:
            self._acquire()
            row[:] = [self._reading(each) for each in self._settings.inputs]
        return self._talk.readings(readings.ravel(), "the inputs").reshape(readings.shape)

    @property
    def _points(self) -> int:
        if self._settings.points == "screen":
            return _SCREEN_POINTS
        return _MEMORY_POINTS[len(self._settings.inputs)]

    def _configure_input(self, each: ScopeInput) -> None:
        tell, channel = self._talk.tell, f":CHAN{each.channel}"
        tell(f"{channel}:COUP DC")
        tell(f"{channel}:INV OFF")
        tell(f"{channel}:BWL {'20M' if each.bandwidth_limit else 'OFF'}")
        # The probe first: scale and offset are at its tip.
        tell(f"{channel}:PROB {each.probe:g}")
        tell(f"{channel}:SCAL {each.volts_per_division:g}")
        tell(f"{channel}:OFFS {each.offset_volts:g}")

    def _configure_trigger(self) -> None:
        tell, settings = self._talk.tell, self._settings
        first = settings.inputs[0]
        source, level = settings.trigger, settings.trigger_level_volts
        if source == "force":
            # At the upper edge of the screen, where hardly anything triggers before the command.
            source, level = first.channel, 4 * first.volts_per_division - first.offset_volts
        tell(":TRIG:MODE EDGE")
        tell(f":TRIG:EDG:SOUR {'AC' if source == 'line' else f'CHAN{source}'}")
        tell(f":TRIG:EDG:SLOP {settings.trigger_slope[:3].upper()}")
        if source != "line":
            tell(f":TRIG:EDG:LEV {level:g}")

    def _read_back(self) -> None:
        settings = self._settings
        expected = {":TIM:SCAL?": settings.seconds_per_division, ":TIM:OFFS?": 0.0}
        for each in settings.inputs:
            channel = f":CHAN{each.channel}"
            expected[f"{channel}:PROB?"] = each.probe
            expected[f"{channel}:SCAL?"] = each.volts_per_division
            expected[f"{channel}:OFFS?"] = each.offset_volts
        if settings.points == "memory":
            expected[":ACQ:MDEP?"] = self._points
        for query, value in expected.items():
            found = self._talk.ask_number(query)
            if abs(found - value) > 1e-5 * max(abs(value), 1e-9):
                raise InstrumentError(
                    f"{self._talk.place}: {query} is {found:g} after it was set to {value:g}. "
                    "Choose a value that it has"
                )

    def _acquire(self) -> None:
        """One acquisition, from its beginning to its end.

        Until the new one has begun the status may still be that of the one before: it counts when
        it has been seen to be another than STOP.
        """
        screen = HORIZONTAL_DIVISIONS * self._settings.seconds_per_division
        patience = time.monotonic() + self._settings.timeout_seconds + screen
        has_begun, is_forced = False, self._settings.trigger != "force"
        self._talk.tell(":SING")
        while True:
            status = self._talk.ask(":TRIG:STAT?")
            if status == "STOP" and has_begun:
                return
            has_begun |= status != "STOP"
            if status == "WAIT" and not is_forced:
                self._talk.tell(":TFOR")
                is_forced = True
            elif time.monotonic() > patience:
                self._talk.tell(":STOP")
                raise LinkError(
                    f"{self._talk.place}: no acquisition came to its end; its trigger status is "
                    f"{status}. Check the keys trigger and trigger_level_volts"
                )

    def _reading(self, each: ScopeInput) -> float:
        """Mean or integral of one input's window."""
        self._talk.tell(f":WAV:SOUR CHAN{each.channel}")
        preamble = self._talk.ask_numbers(":WAV:PRE?", 10)
        block = self._talk.ask_block(":WAV:DATA?")
        self._check(each, preamble, block)
        _, _, points, _, x_increment, x_origin, x_reference, increment, origin, reference = preamble
        times = (np.arange(points) - x_reference) * x_increment + x_origin
        first, last = self._settings.window
        # Half a point more at either end, so that rounding of the preamble loses none.
        inside = (times >= first - x_increment / 2) & (times <= last + x_increment / 2)
        codes = np.frombuffer(block, np.uint8)[inside].astype(np.int64)
        if not len(codes):
            raise InstrumentError(
                f"{self._talk.place}: none of the points of input {each.channel} lies in the window"
            )
        if codes.min() <= _LOWEST_CODE or codes.max() >= _HIGHEST_CODE:
            raise MeasurementError(
                f"{self._talk.place}: input {each.channel} is clipped at the converter's edge. "
                "Choose a larger volts_per_division, or another offset_volts"
            )
        mean = (int(codes.sum()) / len(codes) - origin - reference) * increment
        return mean * (last - first) if self._settings.take == "integral" else mean

    def _check(self, each: ScopeInput, preamble: Sequence[float], block: bytes) -> None:
        """That the block is what was asked for, with the input set as it was configured."""
        place = f"{self._talk.place}: input {each.channel}"
        form, kind, points = preamble[:3]
        if (form, kind) != (_BYTE_FORMAT, _MODES[self._settings.points][1]):
            raise InstrumentError(f"{place}: its data have format {form:g} and type {kind:g}")
        if points != len(block) or points != self._points:
            raise LinkError(
                f"{place}: {self._points} points were expected; the preamble says {points:g} and "
                f"{len(block)} came"
            )
        increment = each.volts_per_division / _CODES_PER_DIVISION
        if self._settings.points == "screen" and abs(preamble[7] - increment) > 1e-3 * increment:
            raise InstrumentError(
                f"{place}: a code is {preamble[7]:g} V, not {increment:g} V: its scale was changed "
                "by hand"
            )


def _volts(each: ScopeInput, code: int) -> float:
    return (code - _REFERENCE) * each.volts_per_division / _CODES_PER_DIVISION - each.offset_volts


DRIVER = InstrumentDriver(settings=RigolDS1000ZSettings, build=RigolDS1000Z)
