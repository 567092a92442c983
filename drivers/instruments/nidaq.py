"""NI multifunction devices by `nidaqmx`: analog outputs and inputs of one device.

NI-DAQmx Python documentation. For devices with their own timing of inputs and outputs (PCIe, PXI
and USB; X and M series). Tested with the library faked where this driver calls it, on no device.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.instruments.nidaq_blocks import NidaqBlocks
from drivers.instruments.nidaq_checks import check_count, check_levels, check_samples
from drivers.instruments.nidaq_inputs import NidaqInputs
from drivers.instruments.nidaq_library import DaqLibrary
from drivers.instruments.nidaq_outputs import NidaqOutputs
from drivers.instruments.nidaq_settings import NidaqSettings
from drivers.link import place
from mgd_lab.chip.instruments import InstrumentChannel, InstrumentTimes, Pace
from mgd_lab.errors import ConfigurationError, IdentityError, LinkError
from mgd_lab.experiment.instrument_settings import InstrumentDriver

Float64 = NDArray[np.float64]

_MANUFACTURER = "National Instruments"
_MOST_SAMPLES = 1_000_000
# A call of the library: on USB a frame of a millisecond.
_EXCHANGE_SECONDS = 1e-3


@dataclass(frozen=True)
class _Device:
    """What there is once the library has been found."""

    daq: DaqLibrary
    handle: Any
    outputs: NidaqOutputs
    inputs: NidaqInputs
    blocks: NidaqBlocks


class Nidaq:
    """A source and a meter in one, by software or by its own clock.

    Args:
        name: in the chip file.
        settings: its section.
        library: of VISA; not needed.
    """

    def __init__(self, name: str, settings: NidaqSettings, library: Any) -> None:  # noqa: ARG002
        self._name = name
        self._settings = settings
        self._place = place(name, settings.resource)
        self._identity: dict[str, str] = {"resource": settings.resource}
        self._channels = [each.channel for each in settings.outputs]
        self._told: dict[str, float] = {}
        self._device: _Device | None = None

    @property
    def name(self) -> str:
        """Its name in the chip file."""
        return self._name

    @property
    def identity(self) -> Mapping[str, str]:
        """Product, serial number, version of NI-DAQmx, name of the device."""
        return self._identity

    @property
    def channels(self) -> Sequence[InstrumentChannel]:
        """Outputs, then inputs."""
        settings = self._settings
        sources = (
            InstrumentChannel(each.channel, "source", "V", each.low, each.high, switched=False)
            for each in settings.outputs
        )
        meters = (
            InstrumentChannel(each.channel, "meter", "V", each.low, each.high)
            for each in settings.inputs
        )
        return (*sources, *meters)

    @property
    def times(self) -> InstrumentTimes:
        """Samples of a reading at the rate as set; the shortest step as set."""
        settings = self._settings
        return InstrumentTimes(
            exchange=_EXCHANGE_SECONDS,
            reading=settings.samples_per_reading / settings.sample_rate_hertz,
            list_step=settings.shortest_step_seconds,
            transfer=1e-6,
        )

    @property
    def trigger_delay_seconds(self) -> float:
        """Below 0: at one and the same edge a sample may be taken before the outputs have moved.

        A bench therefore gives every probe a step whose reading is not used.
        """
        return -self._settings.shortest_step_seconds

    @property
    def largest_list(self) -> int:
        """Steps in the computer's memory."""
        return _MOST_SAMPLES // max(1, len(self._settings.outputs))

    @property
    def counts_steps(self) -> bool:
        """By the instrument."""
        return True

    @property
    def largest_buffer(self) -> int:
        """Samples in the computer's memory."""
        return _MOST_SAMPLES // max(1, len(self._settings.inputs))

    def connect(self) -> None:
        """Looks for the device; IdentityError where it is another than the chip file names.

        MissingExtraError where nidaqmx is not installed.
        """
        settings = self._settings
        library = DaqLibrary()
        with library.translated(self._place):
            outputs = NidaqOutputs(library, settings.resource, settings.outputs)
            inputs = NidaqInputs(library, settings.resource, settings.inputs)
            blocks = NidaqBlocks(self._place, settings, outputs, inputs)
            handle = library.system.Device(settings.resource)
            self._device = _Device(library, handle, outputs, inputs, blocks)
            version = library.system.System.local().driver_version
            self._identity |= {
                "manufacturer": _MANUFACTURER,
                "model": str(handle.product_type),
                "serial": f"{handle.serial_num:X}",
                "firmware": f"NI-DAQmx {version.major_version}.{version.minor_version}",
            }
        for field, value in settings.identity.model_dump(exclude_none=True).items():
            if self._identity[field] != value:
                raise IdentityError(
                    f"{self._place}: {field} is {self._identity[field]!r}, expected {value!r}. "
                    "Check the keys resource and identity"
                )

    def configure(self) -> None:
        """Compares channels and rates with what the device has; drives nothing."""
        settings = self._settings
        with self._translated() as device:
            device.blocks.forget()
            handle = device.handle
            has = {each.name for each in (*handle.ao_physical_chans, *handle.ai_physical_chans)}
            fastest_outputs = float(handle.ao_max_rate) if settings.outputs else np.inf
            fastest_inputs = np.inf
            if settings.inputs:
                fastest_inputs = float(handle.ai_max_multi_chan_rate) / len(settings.inputs)
        for each in (*settings.outputs, *settings.inputs):
            if f"{settings.resource}/{each.channel}" not in has:
                raise ConfigurationError(
                    f"{self._place}: a {self._identity['model']} has no {each.channel}"
                )
        for key, wanted, fastest in (
            ("sample_rate_hertz", settings.sample_rate_hertz, fastest_inputs),
            (
                "shortest_step_seconds",
                1 / settings.shortest_step_seconds,
                min(fastest_outputs, fastest_inputs),
            ),
        ):
            if wanted > fastest * (1 + 1e-9):
                raise ConfigurationError(
                    f"{self._place}: {key} asks for {wanted:g} samples/s of each channel; the "
                    f"device gives {fastest:g}"
                )

    def take_errors(self) -> Sequence[str]:
        """None: DAQmx keeps no errors, every call raises its own."""
        return ()

    def close(self) -> None:
        """Ends all tasks; outputs stay at their levels."""
        if self._device is not None:
            with self._translated() as device:
                device.blocks.forget()
            self._device = None

    def set_levels(self, levels: Mapping[str, float]) -> None:
        """Channel → volts, all at the same moment."""
        given = {channel: np.array([level]) for channel, level in levels.items()}
        check_levels(self._place, self._settings.outputs, given)
        channels = [channel for channel in self._channels if channel in levels]
        if not channels:
            return
        for channel in channels:
            self._told.pop(channel, None)
        with self._translated() as device:
            values = np.array([levels[channel] for channel in channels])
            device.outputs.write(channels, values, self._settings.timeout_seconds)
        self._told |= {channel: levels[channel] for channel in channels}

    def read_levels(self) -> Mapping[str, float]:
        """What is measured at each output; as it was told where that is near enough.

        LinkError where nothing was told yet and `readback` is none.
        """
        settings = self._settings
        if settings.readback == "none":
            unknown = [channel for channel in self._channels if channel not in self._told]
            if unknown:
                raise LinkError(
                    f"{self._place}: nobody knows the level of {', '.join(unknown)}: nothing was "
                    "written yet, and readback is none. Use readback: internal"
                )
            return {channel: self._told[channel] for channel in self._channels}
        found: dict[str, float] = {}
        if not self._channels:
            return found
        with self._translated() as device:
            measured = device.inputs.read_outputs(self._channels, settings.timeout_seconds)
        for channel, each in zip(self._channels, measured, strict=True):
            value = float(each)
            told = self._told.get(channel, value)
            found[channel] = (
                told if abs(told - value) <= settings.readback_tolerance_volts else value
            )
        return found

    def switch_outputs(self, on: bool) -> None:
        """It has no switch: off is 0 V."""
        if not on:
            self.set_levels(dict.fromkeys(self._channels, 0.0))

    def outputs_are_on(self) -> bool:
        """Whether any output is away from 0 V.

        One that nobody has told a level is, where it reads more than the tolerance of reading back.
        """
        for channel, level in self.read_levels().items():
            near = (
                0.0 if level == self._told.get(channel) else self._settings.readback_tolerance_volts
            )
            if abs(level) > near:
                return True
        return False

    def look_for_trips(self) -> Sequence[str]:
        """None: the outputs have no compliance that could be asked for."""
        return ()

    def measure(self, count: int) -> Float64:
        """(count, inputs), in V: each the mean of samples_per_reading."""
        settings = self._settings
        each = settings.samples_per_reading
        patience = count * self.times.reading + settings.timeout_seconds
        with self._translated() as device:
            samples = device.inputs.sample(count * each, settings.sample_rate_hertz, patience)
        check_samples(self._place, settings.inputs, samples, count * each)
        return np.ascontiguousarray(samples.reshape(len(samples), count, each).mean(axis=2).T)

    def load_list(self, levels: Mapping[str, Float64], pace: Pace, dwell_seconds: float) -> None:
        """Kept in the computer until it is armed."""
        check_levels(self._place, self._settings.outputs, levels)
        for values in levels.values():
            check_count(self._place, len(values), self.largest_list, "steps of a list")
        with self._translated() as device:
            device.blocks.load(self._channels, levels, pace, dwell_seconds)

    def arm_buffer(self, count: int, pace: Pace) -> None:
        """By triggers: of its own list where one of its own pace is loaded, else from outside."""
        check_count(self._place, count, self.largest_buffer, "readings")
        with self._translated() as device:
            device.blocks.arm_buffer(count, pace)

    def arm_list(self) -> None:
        """The list is in the device; by triggers, or led by the inputs, it waits for its first."""
        with self._translated() as device:
            for channel in device.blocks.channels:
                self._told.pop(channel, None)
            device.blocks.arm_list()

    def start_list(self) -> None:
        """Starts the inputs, whose start trigger starts the outputs; or the outputs alone."""
        with self._translated() as device:
            device.blocks.start_list()

    def steps_played(self) -> int:
        """Samples that the device has generated of each output."""
        with self._translated() as device:
            played = device.blocks.steps_played()
            if played and played == device.blocks.steps:
                self._told |= device.blocks.last
        return played

    def fetch_buffer(self, count: int) -> Float64:
        """(count, inputs), in V."""
        with self._translated() as device:
            try:
                samples = device.inputs.fetch(count, device.blocks.buffer_patience(count))
                taken = device.inputs.taken
            except device.daq.errors.DaqReadError as error:
                raise LinkError(
                    f"{self._place}: it has taken {device.inputs.taken} readings of {count}: "
                    f"{error}. Check the trigger cable"
                ) from error
            finally:
                device.inputs.release()
        if taken != count:
            raise LinkError(f"{self._place}: it has taken {taken} readings, not {count}")
        check_samples(self._place, self._settings.inputs, samples, count)
        return np.ascontiguousarray(samples.T)

    @contextmanager
    def _translated(self) -> Generator[_Device]:
        if self._device is None:
            raise LinkError(f"{self._place}: the device is not connected")
        with self._device.daq.translated(self._place):
            yield self._device


DRIVER = InstrumentDriver(settings=NidaqSettings, build=Nidaq)
