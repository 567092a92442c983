"""What every parameter of an emulated chip passes last: limits, and the switch of its outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.errors import ChipError, LimitError
from sim_instruments.extremes import Extremes

Float64 = NDArray[np.float64]


class OutputStage:
    """Lets nothing pass that lies beyond the limits, and nothing at all while it is off.

    A chip whose switch was never used is on, as one that has none; once used, it obeys, and is off
    after a restart.

    Args:
        description: the chip's.
        record_extremes: whether to keep the extremes of all that passes.
    """

    def __init__(self, description: ChipDescription, *, record_extremes: bool) -> None:
        self._description = description
        self._low = np.full(description.parameters, -np.inf)
        self._high = np.full(description.parameters, np.inf)
        self._is_limited = False
        self._is_on: bool | None = None
        self.extremes = Extremes(description.safe) if record_extremes else None
        self.presentations = 0

    @property
    def limits(self) -> tuple[Float64, Float64]:
        """Lowest and highest value, (P,) each."""
        return self._low.copy(), self._high.copy()

    @property
    def is_on(self) -> bool:
        """Whether parameters reach the network."""
        return self._is_on is not False

    @property
    def was_switched(self) -> bool:
        """Whether the switch was ever used."""
        return self._is_on is not None

    @property
    def judges_limits_only(self) -> bool:
        """Whether presentations within the limits leave nothing here but their number."""
        return self.is_on and self.extremes is None

    def limit(self, low: Float64, high: Float64) -> None:
        """From now on; LimitError where they leave nothing in between."""
        if not (low <= high).all():
            raise LimitError(
                f"{self._description.name}: a lowest value is no number, or above the highest"
            )
        self._low, self._high = low.copy(), high.copy()
        self._is_limited = bool(np.isfinite(low).any() or np.isfinite(high).any())

    def switch(self, on: bool) -> None:
        """Outputs on or off."""
        self._is_on = on

    def restart(self) -> None:
        """No limits; off, should the switch ever have been used."""
        self._low = np.full_like(self._low, -np.inf)
        self._high = np.full_like(self._high, np.inf)
        self._is_limited = False
        self._is_on = None if self._is_on is None else False
        self.presentations = 0

    def check_on(self) -> None:
        """ChipError while outputs are off."""
        if self._is_on is False:
            raise ChipError(
                f"{self._description.name}: outputs are off; switch them on before measuring"
            )

    def hold(self, theta: Float64) -> None:
        """θ (P,) for the registers; LimitError where a value lies beyond, NaN included."""
        if self._is_limited:
            self._check(theta)
        if self.extremes is not None:
            self.extremes.add(theta)

    def present(self, theta: Float64, values: Float64) -> None:
        """θ (P,) for the registers, θ + θ̃ (n, P) for the network; ChipError, LimitError."""
        if self._is_on is False:
            self.check_on()
        if self._is_limited:
            self._check(theta)
            self._check(values)
        self.presentations += len(values)
        if self.extremes is not None:
            self.extremes.add(theta)
            self.extremes.add(values)

    def present_codes(
        self,
        theta: Float64,
        amplitudes: Float64,
        signs: NDArray[np.int8],
        packed: NDArray[np.uint8],
    ) -> bool:
        """The same with θ̃ = sign × code × amplitude, for codes (n, ⌈P/8⌉) of bits.

        False, and nothing is done, where one might lie beyond.
        """
        self.check_on()
        if self._is_limited:
            lowest, highest = theta - amplitudes, theta + amplitudes
            if not ((lowest >= self._low) & (highest <= self._high)).all():
                return False
        self.presentations += len(signs)
        if self.extremes is not None:
            self.extremes.add(theta)
            self.extremes.add_signs(theta, amplitudes, signs, packed)
        return True

    def _check(self, values: Float64) -> None:
        inside = (values >= self._low) & (values <= self._high)
        if inside.all():
            return
        parameters = len(self._low)
        place = int(np.flatnonzero(~inside)[0])
        i = place % parameters
        raise LimitError(
            f"{self._description.name}: {self._description.parameter_names[i]} would become "
            f"{values.flat[place]:.9g}; the chip's own limits are [{self._low[i]:g}, "
            f"{self._high[i]:g}]. Nothing was presented"
        )
