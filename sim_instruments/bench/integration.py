"""A converter that integrates while time goes on."""

from __future__ import annotations

from collections.abc import Callable

from sim_instruments.bench.plug import Plug


class Integration:
    """Means over an aperture, each of which can be given up.

    Args:
        plug: of the instrument.
    """

    def __init__(self, plug: Plug) -> None:
        self._plug = plug
        self._run = 0

    def give_up(self) -> None:
        """What is due is not done any more."""
        self._run += 1

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """As the plug's, unless it is given up before."""
        run = self._run

        def unless_given_up() -> None:
            if run == self._run:
                act()

        self._plug.later(seconds, unless_given_up)

    def mean(
        self, sense: Callable[[], float], aperture: float, done: Callable[[float], None]
    ) -> None:
        """From now on for `aperture` seconds; `done` gets the mean by Simpson's rule."""
        sensed: list[float] = []
        for share in (0.0, 0.5):
            self.later(share * aperture, lambda: sensed.append(sense()))

        def end() -> None:
            first, middle = sensed
            # Written so that three equal values give that value.
            done(first + (4.0 * (middle - first) + (sense() - first)) / 6.0)

        self.later(aperture, end)
