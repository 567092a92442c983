"""Who writes a run: an advisory lock that the kernel drops when its holder dies."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mgd_lab.errors import RunStoreError

LOCK_NAME = "writer.lock"

# A reader that asks whether the writer lives holds the lock for microseconds.
_PATIENCE_SECONDS = 1.0


class WriterLock:
    """Exclusive lock of a run's folder (flock, so Linux and other POSIX systems)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; `RunStoreError` where another writer holds it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise RunStoreError(f"cannot open {self._path}: {error.strerror}") from error
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(descriptor, shared=False):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise RunStoreError(
                    f"another process is writing {self._path.parent}. "
                    "Wait until it ends, or stop it, and try again."
                )
            time.sleep(0.01)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def writer_is_alive(folder: Path) -> bool:
    """Whether some process holds the run's folder open for writing."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunStoreError(f"cannot open {folder / LOCK_NAME}: {error.strerror}") from error
    try:
        return not _try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        import fcntl
    except ImportError as error:
        raise RunStoreError(
            "writing a run needs file locks (flock) of Linux or another POSIX system"
        ) from error
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise RunStoreError(f"the file system refuses a lock: {error.strerror}") from error
    return True
