"""The time of instruments that are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait


class RealTime:
    """Waits for what takes time; tasks that take time together have a thread each."""

    def __init__(self) -> None:
        self._workers: ThreadPoolExecutor | None = None
        self._most = 0

    def now(self) -> float:
        """Seconds since some moment; it never jumps."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Returns when so many seconds have passed."""
        if seconds > 0:
            time.sleep(seconds)

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Runs all tasks at once; they have ended when it returns, or raises what one raised."""
        first, *others = tasks
        pending = [self._pool(len(others)).submit(task) for task in others]
        try:
            first()
        finally:
            # Whatever ended the first, nobody else speaks to an instrument before all are done.
            wait(pending)
        for each in pending:
            each.result()

    def _pool(self, size: int) -> ThreadPoolExecutor:
        if self._workers is None or self._most < size:
            if self._workers is not None:
                self._workers.shutdown(wait=False)
            self._workers = ThreadPoolExecutor(size, thread_name_prefix="bench")
            self._most = size
        return self._workers
