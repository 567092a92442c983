"""The gate that every θ passes before it is sent: rounding, limits, NaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import ConfigurationError, LimitError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Admitted:
    """θ as it will be sent, and the host's θ that belongs to it.

    `projected` counts parameters that were moved onto the envelope.
    """

    sent: Float32
    theta: Float64
    projected: int


class Envelope:
    """θ ± amplitude of every parameter stays within the chip's limits, in float32 as sent."""

    def __init__(
        self,
        description: ChipDescription,
        amplitudes: Float32,
        on_update: Literal["refuse", "project"],
    ) -> None:
        self._description = description
        self._amplitudes = amplitudes
        self._project = on_update == "project"
        self._resolution = description.resolution
        self._rounded = bool(np.any(self._resolution > 0))
        self._origin = np.where(np.isfinite(description.low), description.low, 0.0)
        wide = amplitudes.astype(np.float64)
        # float32 numbers, kept in float64 so that comparing with θ converts nothing.
        self._lowest = _inner_float32(description.low, wide, upwards=True).astype(np.float64)
        self._highest = _inner_float32(description.high, -wide, upwards=False).astype(np.float64)
        narrow = np.flatnonzero(~(self._lowest <= self._highest))
        if len(narrow):
            i = int(narrow[0])
            raise LimitError(
                f"{self._where(i)}: the range [{description.low[i]:g}, {description.high[i]:g}] "
                f"has no room for ± amplitude {amplitudes[i]:g}; make the amplitude smaller"
            )

    def admit(self, theta: Float64) -> Admitted:
        """Rounds θ (P,) to what is sent and judges that; LimitError where it would leave."""
        # NaN compares false with everything, so it cannot pass. Rounding to float32 is monotonic
        # and the edges are float32 numbers: what lies between them is sent between them.
        if not self._rounded and ((theta >= self._lowest) & (theta <= self._highest)).all():
            return Admitted(theta.astype(np.float32), theta, 0)
        sent = self._as_sent(theta)
        inside = (sent >= self._lowest) & (sent <= self._highest)
        if inside.all():
            return Admitted(sent, theta, 0)
        if not self._project or not np.isfinite(sent).all():
            raise self._refusal(sent, inside)
        theta = np.clip(theta, self._lowest, self._highest)
        sent = self._as_sent(theta)
        still = (sent >= self._lowest) & (sent <= self._highest)
        if not still.all():
            # Rounding to the chip's grid went back over the edge: one step inwards.
            step = np.where(sent > self._highest, -self._resolution, self._resolution)
            theta = np.where(still, theta, theta + step)
            sent = self._as_sent(theta)
            still = (sent >= self._lowest) & (sent <= self._highest)
            if not still.all():
                raise self._refusal(sent, still)
        return Admitted(sent, theta, int(np.count_nonzero(~inside)))

    def _as_sent(self, theta: Float64) -> Float32:
        if self._rounded:
            step = np.where(self._resolution > 0, self._resolution, 1.0)
            grid = self._origin + np.round((theta - self._origin) / step) * step
            theta = np.where(self._resolution > 0, grid, theta)
        with np.errstate(over="ignore"):
            return theta.astype(np.float32)

    def _refusal(self, sent: Float32, inside: NDArray[np.bool_]) -> LimitError:
        outside = np.flatnonzero(~inside)
        i = int(outside[0])
        unit = self._unit(i)
        more = f" ({len(outside)} parameters are outside)" if len(outside) > 1 else ""
        return LimitError(
            f"{self._where(i)} would become {sent[i]:.9g}{unit}; with amplitude "
            f"{self._amplitudes[i]:g}{unit} it must stay within "
            f"[{self._description.low[i]:g}, {self._description.high[i]:g}]{unit}{more}. Nothing "
            "was sent. Lower the learning rate or the initial range, or set limits.on_update: "
            "project"
        )

    def _where(self, i: int) -> str:
        return f"chip {self._description.name!r}, parameter {self._description.parameter_names[i]}"

    def _unit(self, i: int) -> str:
        edges = np.cumsum([group.count for group in self._description.groups])
        unit = self._description.groups[int(np.searchsorted(edges, i, side="right"))].unit
        return f" {unit}" if unit else ""


def check_amplitudes(description: ChipDescription, amplitudes: Float32, kind: str) -> None:
    """The chip must be able to apply the very perturbation that enters the estimate."""
    steps = description.perturbation_resolution
    for i in np.flatnonzero(steps > 0):
        name = description.parameter_names[i]
        if kind == "sinusoidal":
            raise ConfigurationError(
                f"training.perturbation.kind: sinusoidal needs analog perturbations, and "
                f"{name} of chip {description.name!r} has steps of {steps[i]:g}"
            )
        ratio = float(amplitudes[i]) / float(steps[i])
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-5 * ratio:
            raise ConfigurationError(
                f"training.perturbation.amplitude: {name} of chip {description.name!r} has an "
                f"amplitude of {amplitudes[i]:g}, which is no multiple of the chip's "
                f"perturbation_resolution {steps[i]:g}; choose "
                f"{max(1, round(ratio)) * float(steps[i]):g}"
            )


def _inner_float32(limit: Float64, margin: Float64, *, upwards: bool) -> Float32:
    """The outermost float32 θ whose float64 sum with the perturbation keeps the limit."""
    largest = np.float64(np.finfo(np.float32).max)
    wanted = np.clip(limit + margin, -largest, largest)
    edge = wanted.astype(np.float32)
    towards = np.float32(np.inf if upwards else -np.inf)
    for _ in range(2):
        reached = edge.astype(np.float64) - margin
        beyond = (reached < limit) if upwards else (reached > limit)
        edge = np.where(beyond, np.nextafter(edge, towards), edge)
    return edge
