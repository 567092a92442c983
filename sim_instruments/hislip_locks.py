"""Locks of a device with a single client (IVI-6.1, AsyncLock): nobody else is there to refuse."""

from __future__ import annotations

from mgd_lab.wire.hislip import HislipMessage

_REQUEST = 1
_FAILED, _DONE, _SHARED_RELEASED, _WRONG = 0, 1, 2, 3


class Locks:
    """Whether the client holds the exclusive lock, a shared one, or both."""

    def __init__(self) -> None:
        self._exclusive = False
        self._shared = False

    @property
    def exclusive(self) -> int:
        """1 where the exclusive lock is held."""
        return int(self._exclusive)

    @property
    def clients(self) -> int:
        """How many clients hold a lock."""
        return int(self._exclusive or self._shared)

    def change(self, message: HislipMessage) -> int:
        """Carries out an AsyncLock; the control code of its response."""
        if message.control == _REQUEST:
            return self._lock(shared=bool(message.payload))
        return self._release() if message.control == 0 else _FAILED

    def _lock(self, *, shared: bool) -> int:
        if self._shared if shared else self._exclusive:
            return _WRONG
        if shared:
            self._shared = True
        else:
            self._exclusive = True
        return _DONE

    def _release(self) -> int:
        if self._exclusive:
            self._exclusive = False
            return _DONE
        if self._shared:
            self._shared = False
            return _SHARED_RELEASED
        return _WRONG
