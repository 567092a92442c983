"""Ctrl-C and its kin end a run at the next block; a second Ctrl-C ends it at once.

SIGUSR1 makes it pause between two blocks, and go on.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

from mgd_lab.bench.interruption import Interrupt
from mgd_lab.controller import PauseControl

_STDERR = 2


@contextmanager
def stop_on_signals(*, quiet: bool = False) -> Generator[Interrupt]:
    """Heeds SIGINT, SIGTERM and SIGHUP while the block runs; tells what each does."""
    interrupt = Interrupt(notice=None if quiet else _tell)
    with interrupt.heeding(last=True):
        yield interrupt


@contextmanager
def pause_on_signal() -> Generator[PauseControl]:
    """Heeds SIGUSR1 while the block runs."""
    pause = PauseControl()
    earlier = signal.signal(signal.SIGUSR1, lambda _number, _frame: pause.toggle())
    try:
        yield pause
    finally:
        signal.signal(signal.SIGUSR1, earlier)


def _tell(text: str) -> None:
    # Not print: the signal may have come in the middle of one, and its buffer is taken then.
    with contextlib.suppress(OSError):
        os.write(_STDERR, f"\n{text}\n".encode())
