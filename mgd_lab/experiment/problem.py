"""Problems of experiment and chip files, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mgd_lab.errors import ExperimentFileError

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """The path as `--set` takes it: keys and list positions between dots."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Origin:
    """Where a value was written.

    Attributes:
        label: the file, or `--set key`.
        line: in the file, from 1; 0 where there is none.
        base: path at which the file's content stands in the experiment, ("chip",) for a chip
            file; messages name keys as the file does.
        override: the dotted key of `--set`, empty for files.
    """

    label: str
    line: int = 0
    base: Path = ()
    override: str = ""

    def message(self, path: Path, text: str) -> str:
        """One line: the place, the dotted key unless the place says it already, the text."""
        place = f"{self.label}:{self.line}" if self.line else self.label
        key = dotted(path[len(self.base) :])
        if not key or key == self.override:
            return f"{place}: {text}"
        return f"{place}: {key}: {text}"


def refuse(messages: Sequence[str]) -> ExperimentFileError:
    """All problems in one error, one a line."""
    return ExperimentFileError("\n".join(dict.fromkeys(messages)))
