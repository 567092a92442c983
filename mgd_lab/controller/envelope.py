"""What every θ of the host passes before it is sent: rounding, limits, NaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.controller.refusals import parameter_of, range_of, unit_of
from mgd_lab.controller.rounding import Rounding
from mgd_lab.errors import ConfigurationError, LimitError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Admitted:
    """θ as it will be sent, which nothing can change any more, and the host's that belongs to it.

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
        rounding: Rounding | None = None,
    ) -> None:
        self._description = description
        self._on_update: Literal["refuse", "project"] = on_update
        self._rounding = rounding or Rounding()
        self._amplitudes = amplitudes
        self._project = on_update == "project"
        self._resolution = description.resolution
        self._rounded = bool(np.any(self._resolution > 0))
        self._origin = np.where(np.isfinite(description.low), description.low, 0.0)
        wide = amplitudes.astype(np.float64)
        self._lowest, self._highest = edges(description, wide)
        self._last: Float32 = np.empty(0, np.float32)
        narrow = np.flatnonzero(~(self._lowest <= self._highest))
        if len(narrow):
            i = int(narrow[0])
            raise LimitError(
                f"{parameter_of(description, i)}: the range {range_of(description, i)} "
                f"has no room for ± amplitude {amplitudes[i]:g}; make the amplitude smaller"
            )

    @property
    def description(self) -> ChipDescription:
        """Of the chip whose limits these are."""
        return self._description

    @property
    def amplitudes(self) -> Float32:
        """What is kept free on both sides of θ, (P,)."""
        return self._amplitudes

    @property
    def last_admitted(self) -> Float32:
        """The θ (P,) that was admitted last: the same object, which nothing can change."""
        return self._last

    @property
    def lowest(self) -> Float64:
        """Least θ that may be sent, (P,), with the amplitude taken off; infinite for none."""
        return np.where(np.isfinite(self._description.low), self._lowest, -np.inf)

    @property
    def highest(self) -> Float64:
        """Greatest θ that may be sent, (P,), likewise."""
        return np.where(np.isfinite(self._description.high), self._highest, np.inf)

    def with_rounding(self, rounding: Rounding) -> Envelope:
        """The same limits for θ that is rounded in another way."""
        return Envelope(self._description, self._amplitudes, self._on_update, rounding)

    def admit(self, theta: Float64, update: int = 0) -> Admitted:
        """Rounds θ (P,), after so many updates, to what is sent and judges that.

        LimitError where it would leave the limits.
        """
        # NaN compares false with everything, so it cannot pass. Rounding to float32 is monotonic
        # and the edges are float32 numbers: what lies between them is sent between them.
        if not self._rounded and ((theta >= self._lowest) & (theta <= self._highest)).all():
            return self._admitted(theta.astype(np.float32), theta, 0)
        sent = self._as_sent(theta, update)
        inside = (sent >= self._lowest) & (sent <= self._highest)
        if inside.all():
            return self._admitted(sent, theta, 0)
        if not self._project or not np.isfinite(sent).all():
            raise self._refusal(sent, inside)
        theta = np.clip(theta, self._lowest, self._highest)
        sent = self._as_sent(theta, update)
        still = (sent >= self._lowest) & (sent <= self._highest)
        if not still.all():
            # Rounding to the chip's grid went back over the edge: one step inwards from there.
            step = np.where(sent > self._highest, -self._resolution, self._resolution)
            inner = sent.astype(np.float64) + step
            sent = np.where(still, sent, self._as_sent(inner, None))
            if self._rounding.seed is not None:
                # Exactly what is sent, which rounding leaves alone when the run is resumed.
                inner = sent.astype(np.float64)
            theta = np.where(still, theta, inner)
            still = (sent >= self._lowest) & (sent <= self._highest)
            if not still.all():
                raise self._refusal(sent, still)
        return self._admitted(sent, theta, int(np.count_nonzero(~inside)))

    def _admitted(self, sent: Float32, theta: Float64, projected: int) -> Admitted:
        # Bytes cannot be written to, so that what is recognised later is what was judged here.
        self._last = np.frombuffer(sent.tobytes(), np.float32)
        if not self._rounding.float_copy:
            theta = sent.astype(np.float64)
        return Admitted(self._last, theta, projected)

    def _as_sent(self, theta: Float64, update: int | None) -> Float32:
        """On the chip's grid, in float32; the nearest value of the grid where `update` is None."""
        if self._rounded:
            theta = self._rounding.on_grid(theta, self._origin, self._resolution, update)
        with np.errstate(over="ignore"):
            return theta.astype(np.float32)

    def _refusal(self, sent: Float32, inside: NDArray[np.bool_]) -> LimitError:
        outside = np.flatnonzero(~inside)
        i = int(outside[0])
        unit = unit_of(self._description, i)
        more = f" ({len(outside)} parameters are outside)" if len(outside) > 1 else ""
        return LimitError(
            f"{parameter_of(self._description, i)} would become {sent[i]:.9g}{unit}; with "
            f"amplitude {self._amplitudes[i]:g}{unit} it must stay within "
            f"{range_of(self._description, i)}{more}. Nothing "
            "was sent. Lower the learning rate or the initial range, or set limits.on_update: "
            "project"
        )


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


def edges(description: ChipDescription, amplitudes: Float64) -> tuple[Float64, Float64]:
    """Least and greatest θ whose θ ± amplitude (P,) keeps the limits, (P,) each.

    They are float32 numbers, all finite, kept in float64 so that comparing with θ converts nothing.
    """
    lowest = _inner_float32(description.low, amplitudes, upwards=True)
    highest = _inner_float32(description.high, -amplitudes, upwards=False)
    return lowest.astype(np.float64), highest.astype(np.float64)


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
