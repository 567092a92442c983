"""What a chip has been told, so that it can be told again after a restart."""

from __future__ import annotations

from collections.abc import Iterator

from mgd_lab.wire import (
    Advance,
    Amplitudes,
    ConfigureLearning,
    ConfigureProbes,
    Request,
    Restore,
    Samples,
    SamplesHash,
    SetCost,
    SetLimits,
    SwitchOutputs,
    WatchHost,
    WriteParameters,
)

# Limits come before everything that they judge. What a program needs comes before it; then the last
# known state of its training. Outputs are switched on over known values, before the chip learns.
_ORDER: tuple[type[Request], ...] = (
    SetLimits,
    SetCost,
    Amplitudes,
    Samples,
    SamplesHash,
    ConfigureProbes,
    ConfigureLearning,
    Restore,
    WriteParameters,
    SwitchOutputs,
)
# How far it has gone since; and the watchdog last, for all of this may take long.
_LEARNING: tuple[type[Request], ...] = (Advance, WriteParameters)
_LAST: tuple[type[Request], ...] = (WatchHost,)


class SetUp:
    """Requests without results, and `SamplesHash` where one was right.

    They are given in the order in which they can be repeated.
    """

    def __init__(self) -> None:
        self._requests: dict[type[Request], list[Request]] = {}

    def __iter__(self) -> Iterator[Request]:
        kinds = _ORDER + (_LEARNING if self._learns else ()) + _LAST
        return iter([request for kind in kinds for request in self._requests.get(kind, ())])

    def replace(self, request: Request) -> None:
        """The request stands for all earlier ones of its kind."""
        self.forget(type(request))
        self._requests[type(request)] = [request]

    def extend(self, request: Request) -> None:
        """One more of its kind: a part of what comes in several."""
        self._requests.setdefault(type(request), []).append(request)

    def forget(self, kind: type[Request]) -> None:
        """Nothing of this kind any more."""
        self._requests.pop(kind, None)

    @property
    def _learns(self) -> bool:
        switched = self._requests.get(SwitchOutputs, [])
        return Advance in self._requests and SwitchOutputs(on=False) not in switched

    def clear(self) -> None:
        """Nothing at all."""
        self._requests.clear()
