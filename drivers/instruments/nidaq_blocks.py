"""Hardware-timed blocks of an NI device: a list at its outputs, a buffer at its inputs, or both.

NI-DAQmx Python documentation, and its example of synchronised input and output: both run at the
same rate by the device's timebase; the output is started first and waits for the start trigger of
the input (/Dev1/ai/StartTrigger), so that starting the input starts both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.nidaq_inputs import NidaqInputs
from drivers.instruments.nidaq_outputs import Clock, NidaqOutputs
from drivers.instruments.nidaq_settings import NidaqSettings
from mgd_lab.chip.instruments import Pace
from mgd_lab.errors import CapabilityError, ConfigurationError

Float64 = NDArray[np.float64]

_SAME_RATE = 1e-9


class NidaqBlocks:
    """One list and one buffer at a time.

    Args:
        place: what messages call the device.
        settings: its section of the chip file.

    Methods raise what the library raises.
    """

    def __init__(
        self, place: str, settings: NidaqSettings, outputs: NidaqOutputs, inputs: NidaqInputs
    ) -> None:
        self._place = place
        self._settings = settings
        self._outputs = outputs
        self._inputs = inputs
        self.forget()

    def forget(self) -> None:
        """No list, no buffer; no task holds anything."""
        self.channels: Sequence[str] = ()
        self._levels: Float64 = np.empty((0, 0))
        self._pace: Pace = "own"
        self._dwell = 0.0
        self._is_armed = self._leads_inputs = False
        self._inputs.release()
        self._outputs.release()

    def load(
        self, channels: Sequence[str], levels: Mapping[str, Float64], pace: Pace, dwell: float
    ) -> None:
        """Kept here until it is armed."""
        shortest = self._settings.shortest_step_seconds
        if pace == "own" and dwell < shortest * (1 - _SAME_RATE):
            raise ConfigurationError(
                f"{self._place}: a step of {dwell:g} s; shortest_step_seconds is {shortest:g} s"
            )
        self.channels = tuple(channel for channel in channels if channel in levels)
        self._levels = np.array([levels[channel] for channel in self.channels], np.float64)
        self._pace, self._dwell = pace, dwell
        self._is_armed = self._leads_inputs = False

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """By triggers: of its own list where one of its own pace is loaded, else from outside."""
        settings = self._settings
        if pace == "own":
            self._inputs.arm(count, settings.sample_rate_hertz)
        elif self.channels and self._pace == "own":
            # Started by start_list, when the outputs wait for it.
            self._inputs.arm(count, 1 / self._dwell)
            self._leads_inputs = True
            return
        else:
            rate = 1 / settings.shortest_step_seconds
            self._inputs.arm(count, rate, self._terminal(settings.trigger_terminal))
        self._inputs.start()

    def arm_list(self) -> None:
        """The list is in the device; by triggers, or led by the inputs, it waits for its first."""
        if not self.channels:
            raise CapabilityError(f"{self._place}: no list is loaded")
        self._outputs.arm(
            self.channels, self._levels, self._clock(), self._settings.timeout_seconds
        )
        self._is_armed = True
        if self._leads_inputs:
            self._check_rates()
        if self._leads_inputs or self._pace == "trigger":
            self._outputs.start()

    def start_list(self) -> None:
        """Starts the inputs, whose start trigger starts the outputs; or the outputs alone."""
        if self._leads_inputs:
            self._inputs.start()
        else:
            self._outputs.start()

    def steps_played(self) -> int:
        """Samples that the device has generated of each output; waits for the end."""
        if not self._is_armed:
            return 0
        self._is_armed = self._leads_inputs = False
        seconds = self._levels.shape[1] * self._dwell
        return self._outputs.finish(seconds + self._settings.timeout_seconds)

    @property
    def last(self) -> Mapping[str, float]:
        """Level of each channel at the list's end."""
        return dict(zip(self.channels, self._levels[:, -1].tolist(), strict=True))

    @property
    def steps(self) -> int:
        """Of the list that is loaded."""
        return self._levels.shape[1]

    def buffer_patience(self, count: int) -> float:
        """Seconds that so many samples may take."""
        each = max(self._dwell, 1 / self._settings.sample_rate_hertz)
        return count * each + self._settings.timeout_seconds

    def _clock(self) -> Clock:
        settings = self._settings
        if self._pace == "trigger":
            source = self._terminal(settings.trigger_terminal)
            return Clock(1 / settings.shortest_step_seconds, source=source)
        marker = settings.marker_terminal
        return Clock(
            1 / self._dwell,
            start=self._terminal("ai/StartTrigger") if self._leads_inputs else "",
            marker=self._terminal(marker) if marker else "",
        )

    def _terminal(self, name: str) -> str:
        return f"/{self._settings.resource}/{name}"

    def _check_rates(self) -> None:
        """A reading belongs to its step only where both clocks are the same."""
        inputs, outputs = self._inputs.rate, self._outputs.rate
        if abs(inputs - outputs) > _SAME_RATE * inputs:
            raise ConfigurationError(
                f"{self._place}: the device samples inputs at {inputs:.9g} Hz and outputs at "
                f"{outputs:.9g} Hz. Give list_dwell_seconds that both clocks have"
            )
