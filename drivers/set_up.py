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
    SetCost,
    WriteParameters,
)

# What a program needs comes before it; then the last known state of its training, and how far it
# has gone since.
_ORDER: tuple[type[Request], ...] = (
    SetCost,
    Amplitudes,
    Samples,
    ConfigureProbes,
    ConfigureLearning,
    Restore,
    Advance,
    WriteParameters,
)


class SetUp:
    """Requests without results; they are given in the order in which they can be repeated."""

    def __init__(self) -> None:
        self._requests: dict[type[Request], list[Request]] = {}

    def __iter__(self) -> Iterator[Request]:
        return iter([request for kind in _ORDER for request in self._requests.get(kind, ())])

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

    def clear(self) -> None:
        """Nothing at all."""
        self._requests.clear()
