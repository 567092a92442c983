"""What the gate asks of every value: within the limits, at its worst, as it is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    ChipDescription,
    LearningProgram,
    snapshot_length,
)
from mgd_lab.controller.envelope import Envelope, edges
from mgd_lab.controller.refusals import outside, parameter_of, range_of, unit_of
from mgd_lab.errors import LimitError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_FLOAT32, _FLOAT64, _INT8 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int8)
_LARGEST = float(np.finfo(np.float64).max)
# Of so many numbers, a copy costs less than two calls.
_FEW = 4096
_SIGNS = bytes([0, 1, 255])
_ADVICE = (
    "Lower the learning rate, the amplitude or the initial range, or give the chip file other "
    "limits if the chip stands them"
)


class Judge:
    """Raises LimitError for what may not be sent, and says nothing about the rest.

    It knows the amplitudes that the chip was told, of which the largest count.
    """

    def __init__(self, envelope: Envelope) -> None:
        description = envelope.description
        self.description: ChipDescription = description
        self._envelope = envelope
        self._count = description.parameters
        # No infinity passes, even where there is no limit.
        self._low = np.maximum(description.low, -_LARGEST)
        self._high = np.minimum(description.high, _LARGEST)
        self._input_low, self._input_high = _input_edges(description)
        self._reach: Float64 = np.zeros(self._count)
        self._lowest, self._highest = edges(description, self._reach)
        # Whether what the envelope admitted needs no second look.
        self._recognises = True

    @property
    def reach(self) -> Float64:
        """The largest amplitudes that the chip was told so far, (P,)."""
        return self._reach

    def registers(self, values: Float64) -> None:
        """What is written as one number a parameter, (P,)."""
        self._check_array(values, _FLOAT64, (self._count,), "parameters")
        # Counting is the quickest question to a handful of numbers; NaN compares false.
        if (
            np.count_nonzero(values >= self._low) == self._count
            and np.count_nonzero(values <= self._high) == self._count
        ):
            return
        self._refuse(values, ~((values >= self._low) & (values <= self._high)), "a write")

    def inputs(self, values: Float32) -> None:
        """Inputs (n, I)."""
        self._check_array(values, _FLOAT32, (len(values), self.description.inputs), "inputs")
        if (
            np.count_nonzero(values >= self._input_low) == values.size
            and np.count_nonzero(values <= self._input_high) == values.size
        ):
            return
        wrong = ~((values >= self._input_low) & (values <= self._input_high))
        n, k = (int(place[0]) for place in np.nonzero(wrong))
        d = self.description
        unit = f" {d.input_unit}" if d.input_unit else ""
        raise LimitError(
            f"chip {d.name!r}, input {k}: sample {n} of those to be presented has "
            f"{values[n, k]:g}{unit}; it must stay within [{d.input_low:g}, {d.input_high:g}]"
            f"{unit}. Nothing was sent. Scale the inputs, or correct limits.inputs"
        )

    def dense(self, theta: Float32, perturbations: Float32) -> None:
        """θ (P,) and θ + θ̃ for each of the perturbations (n, P), added in float64."""
        shape = (len(perturbations), self._count)
        self._check_array(perturbations, _FLOAT32, shape, "perturbations")
        if theta is self._envelope.last_admitted:
            # The envelope keeps its amplitudes free on both sides.
            if (
                perturbations.size <= _FEW
                and np.count_nonzero(np.abs(perturbations) <= self._envelope.amplitudes)
                == perturbations.size
            ):
                return
            wide = theta.astype(np.float64)
        else:
            self._check_array(theta, _FLOAT32, (self._count,), "theta")
            wide = theta.astype(np.float64)
            self.registers(wide)
        if not len(perturbations):
            return
        # Adding is monotonic: the extremes of a column give the extremes of the sums.
        for extreme in (np.minimum.reduce(perturbations), np.maximum.reduce(perturbations)):
            reached = wide + extreme
            inside = (reached >= self._low) & (reached <= self._high)
            if np.count_nonzero(inside) != self._count:
                self._refuse(reached, ~inside, "a perturbation")

    def nodes(self, theta: Float32, perturbations: Float32) -> None:
        """θ (P,) as it is; what is added to nodes (n, M) has no limits, but must be numbers."""
        if theta is not self._envelope.last_admitted:
            self._check_array(theta, _FLOAT32, (self._count,), "theta")
            self.registers(theta.astype(np.float64))
        shape = (len(perturbations), np.shape(perturbations)[-1])
        self._check_array(perturbations, _FLOAT32, shape, "node perturbations")
        if not np.isfinite(perturbations).all():
            raise LimitError(
                f"chip {self.description.name!r}: a perturbation of a node is no finite number. "
                "Nothing was sent. Make the amplitude smaller"
            )

    def told_amplitudes(self, amplitudes: Float32) -> None:
        """Amplitudes (P,) of codes of up to ±1; from now on θ ± amplitude is judged."""
        self._check_array(amplitudes, _FLOAT32, (self._count,), "amplitudes")
        wrong = np.flatnonzero(~(np.isfinite(amplitudes) & (amplitudes > 0)))
        if len(wrong):
            i = int(wrong[0])
            raise LimitError(
                f"{parameter_of(self.description, i)}: an amplitude of {amplitudes[i]:g} was to be "
                "set; it must be a finite number above 0. Nothing was sent"
            )
        reach = np.maximum(self._reach, amplitudes)
        lowest, highest = edges(self.description, reach)
        narrow = np.flatnonzero(~(lowest <= highest))
        if len(narrow):
            i = int(narrow[0])
            raise LimitError(
                f"{parameter_of(self.description, i)}: the range {range_of(self.description, i)} "
                f"has no room for ± amplitude {reach[i]:g}{unit_of(self.description, i)}. Nothing "
                "was sent. Make the amplitude smaller"
            )
        self._reach, self._lowest, self._highest = reach, lowest, highest
        self._recognises = bool(np.all(reach <= self._envelope.amplitudes))

    def perturbed(self, theta: Float32) -> None:
        """θ (P,) with all that the chip may add of the amplitudes that it was told."""
        if theta is self._envelope.last_admitted and self._recognises:
            return
        self._check_array(theta, _FLOAT32, (self._count,), "theta")
        self._check_within_edges(theta, self._reach)

    def signs(self, signs: NDArray[np.int8]) -> None:
        """Factors of the perturbation (n,): −1, 0 or 1."""
        self._check_array(signs, _INT8, (len(signs),), "signs")
        # The quickest way to ask whether there are any others, for a handful and for thousands.
        if signs.tobytes().strip(_SIGNS):
            raise LimitError(
                f"chip {self.description.name!r}: signs of perturbations must be -1, 0 or 1; "
                f"{int(signs[np.argmax(np.abs(signs.astype(np.int16)))])} would go beyond the "
                "amplitudes. Nothing was sent"
            )

    def learning(self, program: LearningProgram, theta: Float64) -> None:
        """θ (P,) of step 0, and the edges that the chip will keep: none beyond the limits."""
        self.told_amplitudes(program.probes.amplitudes)
        self._check_start(theta)
        d = self.description
        for given, edge, limit, sign, name in (
            (program.lowest, self._lowest, d.low, 1.0, "lowest"),
            (program.highest, self._highest, d.high, -1.0, "highest"),
        ):
            self._check_array(given, _FLOAT64, (self._count,), name)
            kept = sign * given >= np.where(np.isfinite(limit), sign * edge, -np.inf)
            wrong = np.flatnonzero(~kept)
            if len(wrong):
                i = int(wrong[0])
                raise LimitError(
                    f"{parameter_of(d, i)}: the chip would be told to learn with {name} "
                    f"{given[i]:.9g}{unit_of(d, i)}; with amplitude {self._reach[i]:g} the limits "
                    f"{range_of(d, i)} allow {edge[i]:.9g}. Nothing was sent"
                )

    def snapshot(self, snapshot: Float64) -> None:
        """The state of a learning chip that is given back to it."""
        self._check_array(snapshot, _FLOAT64, (snapshot_length(self._count),), "a snapshot")
        self._check_start(snapshot[SNAPSHOT_HEAD : SNAPSHOT_HEAD + self._count])

    def limits(self, low: Float64, high: Float64) -> None:
        """Limits (P,) that the chip is to keep by itself: none wider than its description's."""
        d = self.description
        for given, limit, sign, name in ((low, d.low, 1.0, "low"), (high, d.high, -1.0, "high")):
            self._check_array(given, _FLOAT64, (self._count,), name)
            wrong = np.flatnonzero(~(sign * given >= sign * limit))
            if len(wrong):
                i = int(wrong[0])
                raise LimitError(
                    f"{parameter_of(d, i)}: the chip would be told to keep {name} {given[i]:g}"
                    f"{unit_of(d, i)}; its limits are {range_of(d, i)}. Nothing was sent"
                )

    def _check_start(self, theta: Float64) -> None:
        """θ in float64, which the chip rounds to float32 when it applies it."""
        self._check_array(theta, _FLOAT64, (self._count,), "theta")
        with np.errstate(over="ignore"):
            self._check_within_edges(theta.astype(np.float32), self._reach)

    def _check_within_edges(self, sent: Float32, reach: Float64) -> None:
        inside = (sent >= self._lowest) & (sent <= self._highest)
        if np.count_nonzero(inside) == self._count:
            return
        wide = sent.astype(np.float64)
        reached = wide + np.where(wide > self._highest, reach, -reach)
        self._refuse(reached, ~inside, "θ with its amplitude")

    def _refuse(self, reached: Float64, wrong: NDArray[np.bool_], what: str) -> None:
        places = np.flatnonzero(wrong)
        i = int(places[0])
        raise outside(self.description, i, float(reached[i]), what, len(places), _ADVICE)

    def _check_array(
        self, values: NDArray[Any], kind: np.dtype[Any], shape: tuple[int, ...], what: str
    ) -> None:
        """What is judged must be what is sent: no conversion may come between."""
        if (
            type(values) is np.ndarray
            and (values.dtype is kind or values.dtype == kind)
            and values.shape == shape
        ):
            return
        found = getattr(values, "dtype", type(values).__name__)
        raise LimitError(
            f"chip {self.description.name!r}: {what} must be an array of {kind} and shape {shape} "
            f"to be judged as it is sent; it is {found} of shape {np.shape(values)}. Nothing was "
            "sent"
        )


def _input_edges(description: ChipDescription) -> tuple[np.float32, np.float32]:
    """Least and greatest float32 within the range of inputs, both finite."""
    largest = float(np.finfo(np.float32).max)
    low, high = max(description.input_low, -largest), min(description.input_high, largest)
    # NumPy would round a limit in float64 to float32 to compare it with one.
    least, most = np.float32(low), np.float32(high)
    if float(least) < low:
        least = np.nextafter(least, np.float32(np.inf))
    if float(most) > high:
        most = np.nextafter(most, np.float32(-np.inf))
    return least, most
