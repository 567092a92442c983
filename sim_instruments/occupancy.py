"""One client at a time: who holds a served device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

_PATIENCE_SECONDS = 1.0
_PATIENCE_WITH_THE_GONE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.02


class Endpoint(Protocol):
    """One way to a served device."""

    @property
    def resource(self) -> str:
        """Its resource string, once it is started."""
        ...

    def start(self) -> None:
        """Listens; ConfigurationError where it cannot."""
        ...

    def close(self) -> None:
        """Ends every conversation; calling it again does nothing."""
        ...


class Occupancy:
    """The client that holds a device, over all of its endpoints.

    Who opens a device again comes before the device has noticed that the connection before is
    closed. So a newcomer waits a moment; longer, should the holder have hung up while the device
    still computes for it.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._changed = threading.Condition()
        self._holder: str | None = None
        self._hung_up: Callable[[], bool] = _never

    def take(self, client: str, hung_up: Callable[[], bool]) -> str | None:
        """Makes `client` the holder; where another stays it, returns the other's name."""
        started = time.monotonic()
        with self._changed:
            while self._holder is not None:
                waited = time.monotonic() - started
                patience = _PATIENCE_WITH_THE_GONE_SECONDS if self._hung_up() else self._patience
                if waited >= max(patience, self._patience):
                    return self._holder
                self._changed.wait(_LOOK_AGAIN_SECONDS)
            self._holder, self._hung_up = client, hung_up
            return None

    def leave(self, client: str) -> None:
        """The client is gone, or was never the holder."""
        with self._changed:
            if self._holder == client:
                self._holder, self._hung_up = None, _never
                self._changed.notify_all()


def _never() -> bool:
    return False
