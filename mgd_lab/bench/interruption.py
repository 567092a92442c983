"""What Ctrl-C and its kin mean to whoever controls a chip: the next block, at once, or not now."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
_LOOK_SECONDS = 0.05

SHIELDED = "making sure that the chip is safe; signals are noted and wait until it is"
NEXT_BLOCK = "stopping after this block; Ctrl-C again stops at once"


class Interrupt:
    """SIGINT, SIGTERM and SIGHUP set `event`; a second SIGINT raises KeyboardInterrupt.

    It raises once, and never inside `shield`: who energises a chip or makes it safe is not cut
    short. The flags are looked at where the signal is handled, so that no instant between two
    blocks is without protection.

    Args:
        event: what ends training at the next block; one of its own where None.
        notice: called, from the signal handler, with what a signal does. It must not use buffered
            files, which the handler may have interrupted.
    """

    def __init__(
        self, event: threading.Event | None = None, notice: Callable[[str], None] | None = None
    ) -> None:
        self.event = event or threading.Event()
        self._notice = notice
        self._noted: list[int] = []
        self._shielded = False
        self._raised = False
        self._setting = False

    def wait(self) -> None:
        """Until a signal comes."""
        # Not event.wait: a signal between two of its instructions would find its lock taken.
        while not self.event.is_set():
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def shield(self) -> Generator[None]:
        """Signals that come while the block runs set the event, and do nothing else."""
        with self._with_shield(True):
            yield

    @contextmanager
    def at_once(self) -> Generator[None]:
        """Inside a shield, a block that a second Ctrl-C may end."""
        with self._with_shield(False):
            yield

    @contextmanager
    def heeding(self, *, deliver: bool = False, last: bool = False) -> Generator[None]:
        """Handles the signals while the block runs, on the main thread.

        Signals that are ignored stay ignored: nohup means that the run outlives the terminal.
        Those that the program handles in its own way are left to it. `deliver` passes on what
        came, when the block has ended, to whoever handled it before. `last`: the program ends with
        the block, and where a signal came, one more does not change how.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        ours = [number for number in _SIGNALS if signal.getsignal(number) in _DEFAULTS]
        earlier = {number: signal.signal(number, self._handle) for number in ours}
        hook = sys.unraisablehook
        sys.unraisablehook = self._unraisable(hook)
        try:
            yield
        finally:
            sys.unraisablehook = hook
            for number, handler in earlier.items():
                over = last and self.event.is_set()
                signal.signal(number, signal.SIG_IGN if over else handler)
            if deliver:
                self._deliver()

    @contextmanager
    def _with_shield(self, up: bool) -> Generator[None]:
        before, self._shielded = self._shielded, up
        try:
            yield
        finally:
            self._shielded = before

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._noted.append(number)
        again = self.event.is_set()
        if not again and not self._setting:
            # Signals interrupt their handlers too, and an event cannot be set within its set.
            self._setting = True
            self.event.set()
        if number == signal.SIGINT and again and not self._shielded and not self._raised:
            self._raised = True
            raise KeyboardInterrupt
        if self._notice is not None:
            self._notice(SHIELDED if self._shielded else NEXT_BLOCK)

    def _unraisable(
        self, earlier: Callable[[sys.UnraisableHookArgs], object]
    ) -> Callable[[sys.UnraisableHookArgs], object]:
        """A hook for an interrupt that Python swallows, as in a destructor: the next one counts."""

        def hook(unraisable: sys.UnraisableHookArgs) -> None:
            if issubclass(unraisable.exc_type, KeyboardInterrupt):
                self._raised = False
            else:
                earlier(unraisable)

        return hook

    def _deliver(self) -> None:
        noted, self._noted = dict.fromkeys(self._noted), []
        if self._raised:
            noted.pop(signal.SIGINT, None)
        for number in noted:
            os.kill(os.getpid(), number)


@contextmanager
def heeded(interrupt: threading.Event | Interrupt | None) -> Generator[Interrupt]:
    """An interrupt that somebody heeds.

    One that is given is heeded by who made it. Otherwise signals are heeded here while the block
    runs, and passed on at its end: a program that would have died of one does so with its chip
    safe.
    """
    if isinstance(interrupt, Interrupt):
        yield interrupt
        return
    made = Interrupt(interrupt)
    with made.heeding(deliver=True):
        yield made
