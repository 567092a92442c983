"""Analog inputs of an NI device: readings by its own clock, or one sample a trigger.

NI-DAQmx Python documentation: AIChannelCollection.add_ai_voltage_chan, Timing.cfg_samp_clk_timing,
AnalogMultiChannelReader, InStream.total_samp_per_chan_acquired.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.nidaq_library import DaqLibrary
from drivers.instruments.nidaq_settings import AnalogInput

Float64 = NDArray[np.float64]

_TERMINALS = {
    "default": "DEFAULT",
    "rse": "RSE",
    "nrse": "NRSE",
    "differential": "DIFF",
    "pseudodifferential": "PSEUDO_DIFF",
}


class NidaqInputs:
    """The inputs that a chip file names; one task holds them at a time.

    Methods raise what the library raises.
    """

    def __init__(self, library: DaqLibrary, device: str, inputs: Sequence[AnalogInput]) -> None:
        self._library = library
        self._device = device
        self._inputs = inputs
        self._task: Any = None
        self._sampled: tuple[int, float] | None = None

    def sample(self, count: int, rate: float, timeout: float) -> Float64:
        """Samples of every input, (inputs, count), taken from now on."""
        if self._sampled != (count, rate):
            self.arm(count, rate)
            self._sampled = count, rate
        task = self._task
        task.start()
        try:
            return self.fetch(count, timeout)
        finally:
            task.stop()

    def arm(self, count: int, rate: float, source: str = "") -> None:
        """A buffer for `count` samples, at a rate or at the edges of an external clock."""
        self.release()
        constants = self._library.constants
        task = self._task = self._library.root.Task()
        for own in self._inputs:
            task.ai_channels.add_ai_voltage_chan(
                f"{self._device}/{own.channel}",
                terminal_config=constants.TerminalConfiguration[_TERMINALS[own.terminals]],
                min_val=own.low,
                max_val=own.high,
            )
        task.timing.cfg_samp_clk_timing(
            rate,
            source=source,
            sample_mode=constants.AcquisitionType.FINITE,
            samps_per_chan=count,
        )

    @property
    def rate(self) -> float:
        """Samples a second that the device has made of what was asked for."""
        return float(self._task.timing.samp_clk_rate)

    def start(self) -> None:
        """The clock runs, or is waited for."""
        self._task.start()

    @property
    def taken(self) -> int:
        """Samples that the device has taken of each input."""
        return 0 if self._task is None else int(self._task.in_stream.total_samp_per_chan_acquired)

    def fetch(self, count: int, timeout: float) -> Float64:
        """(inputs, n): the samples of the buffer; n is `count` unless something is wrong."""
        samples = np.full((len(self._inputs), count), np.nan)
        reader = self._library.readers.AnalogMultiChannelReader(self._task.in_stream)
        found = reader.read_many_sample(
            samples, number_of_samples_per_channel=count, timeout=timeout
        )
        return samples[:, :found]

    def read_outputs(self, channels: Sequence[str], timeout: float) -> Float64:
        """What stands at outputs, (K,), in V, by the device's internal connections."""
        self.release()
        levels = np.empty(len(channels))
        with self._library.root.Task() as task:
            for channel in channels:
                task.ai_channels.add_ai_voltage_chan(
                    f"{self._device}/_{channel}_vs_aognd", min_val=-10.0, max_val=10.0
                )
            reader = self._library.readers.AnalogMultiChannelReader(task.in_stream)
            reader.read_one_sample(levels, timeout=timeout)
        return levels

    def release(self) -> None:
        """No task holds the inputs."""
        task, self._task, self._sampled = self._task, None, None
        if task is not None:
            task.close()
