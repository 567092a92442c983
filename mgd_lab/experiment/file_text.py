"""Reading a YAML file's text, with plain words for everything that may be wrong with it."""

from __future__ import annotations

from pathlib import Path

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment.nearest import did_you_mean

LARGEST_FILE_BYTES = 16 * 1024 * 1024


def read_text(path: Path, what: str) -> str:
    """The UTF-8 text of a file.

    Args:
        path: the file.
        what: "experiment file" or "chip file", for messages.

    Raises:
        ExperimentFileError: missing, unreadable, a folder, too large, binary, not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        hint = did_you_mean(path.name, _neighbours(path))
        raise ExperimentFileError(f"{path}: this {what} does not exist{hint}") from error
    except IsADirectoryError as error:
        raise ExperimentFileError(
            f"{path}: expected {_article(what)} {what}, got a folder; name a .yaml file in it"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExperimentFileError(f"{path}: this {what} cannot be read: {reason}") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ExperimentFileError(
            f"{path}: larger than {LARGEST_FILE_BYTES // 2**20} MiB, which is no {what}"
        )
    if b"\0" in content:
        raise ExperimentFileError(f"{path}: a binary file; expected YAML text in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExperimentFileError(
            f"{path}:{line}: byte 0x{content[error.start]:02x} is not UTF-8 text; expected YAML "
            "saved as UTF-8"
        ) from error


def _neighbours(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return []


def _article(what: str) -> str:
    return "an" if what[0] in "aeiou" else "a"
