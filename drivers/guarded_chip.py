"""What keeps a chip behind a link safe and tells how it is: limits, switch, watchdog, telemetry."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from drivers.connected_chip import ConnectedChip
from drivers.signs_of_life import SignsOfLife
from mgd_lab.chip import Feature
from mgd_lab.errors import CapabilityError, ChipError, ConfigurationError, MgdLabError
from mgd_lab.wire import (
    ReadLimits,
    ReadOutputs,
    ReadTelemetry,
    SetLimits,
    SwitchOutputs,
    WatchHost,
)

Float64 = NDArray[np.float64]


class GuardedChip(ConnectedChip):
    """Adds the features of `mgd_lab.chip.capabilities`, where the chip's description names them.

    Leaving the session switches off outputs that it had switched on, and ends the watchdog once the
    chip is known to be safe.
    """

    _outputs_switched_on = False
    _signs_of_life: SignsOfLife | None = None

    def write_limits(self, low: Float64, high: Float64) -> None:
        """Lowest and highest θ + θ̃, (P,) each, that the chip lets pass from now on."""
        self._need("limits")
        for values in (low, high):
            self._check_sizes(values, 8 * self.description.parameters, "limits")
        self._configure(SetLimits(low.copy(), high.copy()), "setting limits")

    def read_limits(self) -> tuple[Float64, Float64]:
        """What the chip keeps, (P,) each."""
        self._need("limits")
        P = self.description.parameters
        found = self._perform(lambda: self._link.exchange(ReadLimits(), 2 * P), "reading limits")
        return found[:P].copy(), found[P:].copy()

    def switch_outputs(self, on: bool) -> None:
        """Outputs on or off; a device that was restarted is switched again as it was last told."""
        self._need("output_switch")
        self._switch_its_outputs(on)

    def _switch_its_outputs(self, on: bool) -> None:
        request = SwitchOutputs(on)
        if on:
            self._outputs_switched_on = True
        else:
            # Before it is sent: should the device be restarted now, they are not switched on again.
            self._set_up.replace(request)
        self._configure(request, f"switching outputs {'on' if on else 'off'}")

    def outputs_are_on(self) -> bool:
        """As the chip says."""
        self._need("output_switch")
        return self._its_outputs_are_on()

    def _its_outputs_are_on(self) -> bool:
        found = self._perform(lambda: self._link.exchange(ReadOutputs(), 1), "reading the outputs")
        return bool(found[0] != 0)

    def watch_host(self, seconds: float) -> None:
        """The chip makes itself safe after so many seconds of silence; 0 ends it.

        From now on a thread shows life whenever nothing else is exchanged.
        """
        self._need("watchdog")
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigurationError(
                f"{self._link.name}: a watchdog of {seconds} s; it must be a finite time, or 0 for "
                "none"
            )
        if seconds:
            self._check_safe_values()
        self._end_signs_of_life()
        request = WatchHost(float(seconds))
        if not seconds:
            self._set_up.forget(WatchHost)
            self._perform(lambda: self._tell(request, "ending the watchdog"), "ending the watchdog")
            return
        self._configure(request, "setting the watchdog")
        self._signs_of_life = SignsOfLife(
            seconds, lambda: self._exchanges, lambda: self._show_life(request)
        )
        self._signs_of_life.start()

    def read_telemetry(self) -> Float64:
        """A reading of each channel of the description, (T,); NaN where there is none now."""
        count = len(self.description.telemetry)
        if not count:
            raise CapabilityError(f"{self._link.name}: the chip reports no telemetry")
        return self._read_own_telemetry(count)

    def _read_own_telemetry(self, count: int) -> Float64:
        return self._perform(
            lambda: self._link.exchange(ReadTelemetry(), count), "reading telemetry"
        )

    def _check_safe_values(self) -> None:
        declared = self.description.safe if self._declared is None else self._declared.safe
        other = np.flatnonzero(declared != self.description.safe)
        if len(other):
            i = int(other[0])
            raise CapabilityError(
                f"{self._link.name}: watchdog_seconds: the chip's own watchdog would leave "
                f"{self.description.parameter_names[i]} at {declared[i]:g}, and the chip file's "
                f"safe value is {self.description.safe[i]:g} ({len(other)} parameters differ). Set "
                "the chip's safe values in its firmware, or do without watchdog or limits' safe"
            )

    def _need(self, feature: Feature) -> None:
        if feature not in self.description.features:
            raise CapabilityError(
                f"{self._link.name}: the chip's description does not offer the feature {feature}"
            )

    def _show_life(self, request: WatchHost) -> None:
        # Whoever exchanges something shows life too; a link out of step is not ours to repair.
        if not self._turn.acquire(blocking=False):
            return
        try:
            if self._is_open and not self._link.out_of_step:
                with suppress(MgdLabError):
                    self._link.exchange(request, 0)
        finally:
            self._turn.release()

    def _make_safe(self) -> None:
        try:
            super()._make_safe()
        except MgdLabError as error:
            try:
                self._switch_off_again()
            except MgdLabError as failure:
                error.add_note(f"switching outputs off failed too: {failure}")
            raise
        self._switch_off_again()
        if self._signs_of_life is not None:
            # The chip is safe already: should this fail, it makes itself so once more.
            with suppress(MgdLabError):
                self.watch_host(0)

    def _switch_off_again(self) -> None:
        if not self._outputs_switched_on:
            return
        self._switch_its_outputs(on=False)
        if self._its_outputs_are_on():
            raise ChipError("its outputs read on after they were switched off")
        self._outputs_switched_on = False

    def _before_closing(self) -> None:
        self._end_signs_of_life()
        self._outputs_switched_on = False

    def _end_signs_of_life(self) -> None:
        ended, self._signs_of_life = self._signs_of_life, None
        if ended is not None:
            ended.end()
