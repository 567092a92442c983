"""Analog outputs of an NI device: levels one at a time, or a list by a clock.

NI-DAQmx Python documentation: AOChannelCollection.add_ao_voltage_chan, Timing.cfg_samp_clk_timing,
StartTrigger.cfg_dig_edge_start_trig, OutStream.total_samp_per_chan_generated. An output stays at
its last level when its task ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.nidaq_library import DaqLibrary
from drivers.instruments.nidaq_settings import AnalogOutput

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Clock:
    """What paces a list.

    Attributes:
        rate: steps a second; of an external clock, the most that it gives.
        source: terminal of an external clock; "" is the device's own.
        start: terminal whose edge starts it; "" starts it at once.
        marker: terminal that gets a pulse at each step; "" none.
    """

    rate: float
    source: str = ""
    start: str = ""
    marker: str = ""


class NidaqOutputs:
    """The outputs that a chip file names; one task holds them at a time.

    Methods raise what the library raises.
    """

    def __init__(self, library: DaqLibrary, device: str, outputs: Sequence[AnalogOutput]) -> None:
        self._library = library
        self._device = device
        self._outputs = {each.channel: each for each in outputs}
        self._task: Any = None
        self._holds: tuple[str, ...] | None = None

    def write(self, channels: Sequence[str], levels: Float64, timeout: float) -> None:
        """Levels (K,) of so many channels, at once; the others stay."""
        if self._task is None or self._holds != tuple(channels):
            self.release()
            self._task = self._new(channels)
            self._holds = tuple(channels)
        writer = self._library.writers.AnalogMultiChannelWriter(
            self._task.out_stream, auto_start=True
        )
        writer.write_one_sample(levels, timeout=timeout)

    def arm(self, channels: Sequence[str], levels: Float64, clock: Clock, timeout: float) -> None:
        """Levels (K, n) are in the device, n steps of the clock; they wait for `start`."""
        self.release()
        constants = self._library.constants
        task = self._task = self._new(channels)
        task.timing.cfg_samp_clk_timing(
            clock.rate,
            source=clock.source,
            sample_mode=constants.AcquisitionType.FINITE,
            samps_per_chan=levels.shape[1],
        )
        task.out_stream.regen_mode = constants.RegenerationMode.DONT_ALLOW_REGENERATION
        if clock.start:
            task.triggers.start_trigger.cfg_dig_edge_start_trig(clock.start)
        if clock.marker:
            task.export_signals.export_signal(constants.Signal.SAMPLE_CLOCK, clock.marker)
        writer = self._library.writers.AnalogMultiChannelWriter(task.out_stream, auto_start=False)
        writer.write_many_sample(np.ascontiguousarray(levels), timeout=timeout)

    @property
    def rate(self) -> float:
        """Steps a second that the device has made of what was asked for."""
        return float(self._task.timing.samp_clk_rate)

    def start(self) -> None:
        """The list begins, or waits for its trigger."""
        self._task.start()

    def finish(self, timeout: float) -> int:
        """Waits for the end of the list, and ends its task; steps that were output."""
        task = self._task
        if task is None:
            return 0
        try:
            task.wait_until_done(timeout=timeout)
        except self._library.errors.DaqError:
            # How far it came says more than that it has not ended.
            if task.is_task_done():
                raise
        played = int(task.out_stream.total_samp_per_chan_generated)
        self.release()
        return played

    def release(self) -> None:
        """No task holds the outputs; they stay at their levels."""
        task, self._task, self._holds = self._task, None, None
        if task is not None:
            task.close()

    def _new(self, channels: Sequence[str]) -> Any:
        task = self._library.root.Task()
        try:
            for channel in channels:
                own = self._outputs[channel]
                task.ao_channels.add_ao_voltage_chan(
                    f"{self._device}/{channel}", min_val=own.low, max_val=own.high
                )
        except BaseException:
            task.close()
            raise
        return task
