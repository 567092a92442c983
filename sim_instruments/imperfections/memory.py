"""What an imperfect chip holds, after what it was told to hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import Stream, normals, uniforms
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.imperfections import Imperfections, Resolution
from sim_instruments.imperfections.fading import Fading
from sim_instruments.imperfections.grid import Grid
from sim_instruments.imperfections.steps import SoftBounds, UnevenSteps
from sim_instruments.imperfections.wear import Wear

Float64 = NDArray[np.float64]


class Memory:
    """One device a parameter.

    A write counts where it changes at least one of the values asked for; it moves those that it
    changes. Nothing else does.

    Args:
        settings: of these the keys about writing, resolution, wear, drift and relaxation.
        seed: the chip's.
        safe: (P,), what is held at first.
    """

    def __init__(self, settings: Imperfections, seed: int, safe: Float64) -> None:
        self._seed = seed
        self._incremental = settings.writing == "increments"
        self._sigma = settings.update_noise
        self._wear = Wear(settings.stuck, settings.endurance, seed, len(safe))
        uneven, bounds = settings.asymmetry, settings.saturation
        self._uneven = None if uneven is None else UnevenSteps(uneven, seed, len(safe))
        self._bounds = None if bounds is None else SoftBounds(bounds)
        resolution = settings.resolution or Resolution()
        self._grid = Grid.of(resolution, resolution.step)
        self._is_stochastic = resolution.rounding == "stochastic"
        self._follow = settings.follow_presentations
        self._asked: Float64 = safe.copy()
        first = self._grid.nearest(safe)
        if self._bounds is not None:
            self._check_safe(safe, self._bounds)
        first = np.where(self._wear.free, first, self._wear.stuck_at)
        stuck = ~self._wear.free
        self._fading = Fading(settings.drift, settings.relaxation, seed, first, stuck)
        self.writes = 0

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which parameters can be moved, (P,)."""
        return self._wear.free

    def write(self, asked: Float64, now: int) -> None:
        """asked (P,), before presentation `now`."""
        changed = asked != self._asked
        if not changed.any():
            return
        held = self._fading.values(now)
        moved = changed & self._wear.free
        self._fading.write(self._reached(held, asked), moved, now)
        self._wear.add(moved)
        self._asked = asked.copy()
        self.writes += 1

    def unchanged_until(self, now: int, stop: int) -> int:
        """The presentation up to which what is held at `now` stays as it is, at most `stop`."""
        if not self._fading.is_any:
            return stop
        return min(stop, now - now % self._follow + self._follow)

    def values(self, now: int) -> Float64:
        """What is held at presentation `now`, (P,)."""
        return self._fading.values(now - now % self._follow)

    def _reached(self, held: Float64, asked: Float64) -> Float64:
        """Where a write leads from `held`, (P,) each."""
        values = held + (asked - self._asked) if self._incremental else asked
        if self._uneven is not None or self._bounds is not None:
            steps = values - held
            if self._uneven is not None:
                steps = self._uneven.taken(steps)
            values = held + steps if self._bounds is None else self._bounds.moved(held, steps)
        if self._sigma:
            noise = normals(self._seed, Stream.UPDATE_NOISE, self.writes, len(held))
            values = values + self._sigma * noise
            if self._bounds is not None:
                values = np.clip(values, self._bounds.low, self._bounds.high)
        if not self._is_stochastic:
            return self._grid.nearest(values)
        places = uniforms(self._seed, Stream.ROUNDING, self.writes, len(held))
        return self._grid.stochastic(values, places)

    def _check_safe(self, safe: Float64, bounds: SoftBounds) -> None:
        outside = (safe < bounds.low) | (safe > bounds.high)
        if outside.any():
            raise ConfigurationError(
                f"chip.imperfections.saturation: the safe value {safe[outside][0]:g} of parameter "
                f"{int(np.flatnonzero(outside)[0])} lies outside [{bounds.low:g}, "
                f"{bounds.high:g}], where the chip cannot be; widen it, or set "
                "chip.limits.parameters.safe"
            )
