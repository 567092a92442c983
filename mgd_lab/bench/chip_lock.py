"""Who controls a chip: an advisory lock that the kernel drops when its holder dies."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from mgd_lab.bench.chip_address import chip_addresses
from mgd_lab.errors import ChipBusyError, ConfigurationError
from mgd_lab.experiment import ChipSettings

FOLDER_VARIABLE = "MGD_LAB_LOCK_DIR"
_FOLDER = "/tmp/mgd-lab-locks"  # noqa: S108 (one place for all users; opened with care)
_ANYBODY = 0o666
_SHARED_FOLDER = 0o1777
_LONGEST_TEXT = 4096
_LONGEST_COMMAND = 200


@contextmanager
def locked_chip(settings: ChipSettings) -> Generator[None]:
    """Nobody else on this machine controls the chip while the block runs.

    Chips in the process, and instruments simulated in it, are nobody else's anyway.

    Raises:
        ChipBusyError: somebody does; it names the process.
        ConfigurationError: the folder of the locks cannot be used.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or _FOLDER)
    with contextlib.ExitStack() as held:
        for address in chip_addresses(settings):
            descriptor = _locked(folder, address, settings.name or address)
            # Closing drops the lock. The file stays: removing it would race with who takes it next.
            held.callback(os.close, descriptor)
        yield


def _locked(folder: Path, address: str, name: str) -> int:
    """A descriptor that holds the lock, with our name in the file."""
    try:
        descriptor = _opened(folder, f"{sha256(address.encode()).hexdigest()[:32]}.lock")
    except OSError as error:
        raise _unusable(folder, str(error.strerror)) from error
    try:
        _take(descriptor, folder, address, name)
    except OSError as error:
        os.close(descriptor)
        raise _unusable(folder, str(error.strerror)) from error
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _take(descriptor: int, folder: Path, address: str, name: str) -> None:
    if not _try_lock(descriptor, folder):
        raise ChipBusyError(_who(name, address, os.pread(descriptor, _LONGEST_TEXT, 0)))
    with contextlib.suppress(OSError):
        # Who holds it is a courtesy, which a full disk may refuse: the lock holds without.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _ourselves(address), 0)


def _opened(folder: Path, name: str) -> int:
    """The lock's file, made where there is none; nothing is followed that somebody planted."""
    _make_shared(folder)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        descriptor = _open_or_create(directory, name)
    finally:
        os.close(directory)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{name} is no regular file of its own")
    return descriptor


def _make_shared(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return
    # The umask has narrowed it.
    folder.chmod(_SHARED_FOLDER)


def _open_or_create(directory: int, name: str) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            # Without O_CREAT: in a sticky folder Linux refuses that for files of other users.
            return os.open(name, flags, dir_fd=directory)
        except FileNotFoundError:
            pass
        try:
            made = os.open(name, flags | os.O_CREAT | os.O_EXCL, _ANYBODY, dir_fd=directory)
        except FileExistsError:
            continue
        os.fchmod(made, _ANYBODY)
        return made


def _try_lock(descriptor: int, folder: Path) -> bool:
    try:
        import fcntl
    except ImportError as error:
        raise _unusable(folder, "there are no file locks (flock) on this system") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ourselves(address: str) -> bytes:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    holder = {
        "pid": os.getpid(),
        "command": command[:_LONGEST_COMMAND],
        "host": os.uname().nodename,
        "since_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "address": address,
    }
    return json.dumps(holder).encode() + b"\n"


def _who(name: str, address: str, text: bytes) -> str:
    chip = f"chip {name!r}" + ("" if name == address else f" at {address}")
    return (
        f"{chip} is in use by {_holder(text)}; two controllers would disturb each other. Wait "
        "until it ends, or stop it (Ctrl-C there makes the chip safe)"
    )


def _holder(text: bytes) -> str:
    # Anybody may have written it: only what it should hold is shown, and only printable text.
    try:
        found: Any = json.loads(text)
        pid, command, since = int(found["pid"]), str(found["command"]), str(found["since_utc"])
    except (ValueError, KeyError, TypeError):
        return "another process"
    shown = "".join(c for c in command[:_LONGEST_COMMAND] if c.isprintable())
    when = "".join(c for c in since[:32] if c.isprintable())
    return f"process {pid} ({shown}) since {when}"


def _unusable(folder: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the folder {folder}, which keeps two controllers off one chip, cannot be used: "
        f"{reason}. Make it a folder that everybody may write to (mode 1777), or name another "
        f"one, the same for everybody, in {FOLDER_VARIABLE}"
    )
