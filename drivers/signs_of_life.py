"""A thread that lets a chip know that the host lives, whenever nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LOOKS = 8
"""So often in the time that the chip waits: a silence lasts at most twice as long as one look."""


class SignsOfLife:
    """Shows life when no exchange has happened between two looks.

    Args:
        seconds: how long the chip waits.
        exchanges: how many exchanges there have been.
        show: one more; it raises nothing.
    """

    def __init__(
        self, seconds: float, exchanges: Callable[[], int], show: Callable[[], None]
    ) -> None:
        self._pause = seconds / _LOOKS
        self._exchanges = exchanges
        self._show = show
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="signs of life", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """Waits for one that is being shown; calling it again does nothing."""
        self._ended.set()
        self._thread.join()

    def _look_after(self) -> None:
        seen = self._exchanges()
        while not self._ended.wait(self._pause):
            if self._exchanges() == seen:
                self._show()
            seen = self._exchanges()
