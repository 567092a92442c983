"""A log opened for reading, also while another process writes it or after it was killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mgd_lab.errors import NoRunError, RunStoreError

# Only the recovery of a killed writer's log takes a lock that a reader may have to wait for.
_BUSY_SECONDS = 10.0

# What SQLite says where a read-only folder, or a full disk, offers no place for the shared memory
# that goes with a write-ahead log. Without such a log it can be read all the same.
_NO_ROOM = ("unable to open", "readonly", "disk I/O error", "disk is full")


@contextmanager
def reading(path: Path) -> Generator[None]:
    """Translate SQLite's errors about the log at `path`."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise RunStoreError(f"{path} is closed, or used in another thread: {error}") from error
    except sqlite3.Error as error:
        raise RunStoreError(
            f"cannot read {path}: {error}. The log is damaged or is no log of MGD Lab. "
            "Restore it from a copy."
        ) from error


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Generator[None]:
    """All that is read inside shows the log at one moment, whatever is written meanwhile."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def open_log(path: Path) -> sqlite3.Connection:
    """A read-only connection; `RunStoreError` where there is no readable log."""
    if not path.is_file():
        raise NoRunError(f"{path.parent} is no run: it has no {path.name}")
    location = path.resolve().as_uri()
    try:
        return _connected(f"{location}?mode=ro")
    except sqlite3.OperationalError as error:
        if not any(reason in str(error) for reason in _NO_ROOM):
            raise _unreadable(path, error) from error
        if _size(path.with_name(path.name + "-wal")):
            raise RunStoreError(
                f"cannot read {path}: its last records lie in {path.name}-wal, and the folder is "
                "read-only or its disk full. Copy the whole folder to a place that can be written."
            ) from error
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error
    try:
        return _connected(f"{location}?mode=ro&immutable=1")
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def _connected(location: str) -> sqlite3.Connection:
    connection = sqlite3.connect(location, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _unreadable(path: Path, error: sqlite3.Error) -> RunStoreError:
    return RunStoreError(
        f"cannot read {path}: {error}. The log is damaged, is no log of MGD Lab, or may not be "
        "read by you. Check the file's rights, or restore it from a copy."
    )
