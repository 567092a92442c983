"""The folder of a run: how it is named, created and finished.

::

    runs/parity2-20250131-120000/
        experiment.yaml …   the files as given
        resolved.json       the experiment with every default
        environment.json    versions, machine, instruments
        log.sqlite          all that was measured
        summary.json        how it ended (absent while it runs, or after a crash)
        resolved-1.json …   what they were before the run was resumed with something else
        writer.lock         locked while a process writes
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.run_store.documents import json_text, sync_folder, write_file
from mgd_lab.run_store.lock import LOCK_NAME
from mgd_lab.run_store.schema import create_log
from mgd_lab.version import __version__

LOG_NAME = "log.sqlite"
RESOLVED_NAME = "resolved.json"
ENVIRONMENT_NAME = "environment.json"
SUMMARY_NAME = "summary.json"
_OURS = {LOG_NAME, RESOLVED_NAME, ENVIRONMENT_NAME, SUMMARY_NAME, LOCK_NAME}

_LONGEST_NAME = 100

Baseline = Literal["measured", "paired", "none"]


@dataclass(frozen=True)
class RunFolder:
    """A run's folder on disk."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / LOG_NAME

    @property
    def summary(self) -> Path:
        return self.path / SUMMARY_NAME

    def record_resumption(
        self, resolved: Mapping[str, Any] | None, environment: Mapping[str, Any]
    ) -> None:
        """Keep what the run goes on with; what it went on with before stays under a number.

        environment.json becomes environment-1.json (and so on); likewise resolved.json, where
        `resolved` is given because the experiment has changed.

        Raises:
            RunStoreError: the folder cannot be written.
        """
        texts = {ENVIRONMENT_NAME: environment}
        if resolved is not None:
            texts[RESOLVED_NAME] = resolved
        try:
            for name, mapping in texts.items():
                current = self.path / name
                write_file(_numbered(current), current.read_text(encoding="utf-8"))
                write_file(current, json_text(mapping, indent=2) + "\n")
        except OSError as error:
            raise RunStoreError(
                f"cannot write in {self.path}: {error.strerror}. Nothing was measured; free the "
                "disk or make the folder writable, and resume again."
            ) from error

    def versions(self, name: str) -> list[Path]:
        """resolved.json or environment.json as it was at first, after each change, and now."""
        current = self.path / name
        earlier: list[Path] = []
        while (path := _with_number(current, len(earlier) + 1)).exists():
            earlier.append(path)
        return [*earlier, current]

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, whole or not at all; `RunStoreError` where that fails."""
        try:
            write_file(self.summary, json_text(summary, indent=2) + "\n")
        except OSError as error:
            raise RunStoreError(
                f"cannot write {self.summary}: {error.strerror}. The log is complete up to its "
                "last checkpoint; free the disk or restore the folder."
            ) from error


def create_run(
    runs_dir: Path,
    name: str,
    *,
    files: Mapping[str, str],
    resolved: Mapping[str, Any],
    environment: Mapping[str, Any],
    simulated: bool,
    baseline: Baseline = "measured",
    parameter_names: Sequence[str] = (),
    parameter_units: Sequence[str] = (),
    started: datetime | None = None,
    reference: str = "",
) -> RunFolder:
    """Create `runs_dir/<name>-<UTC yyyymmdd-hhmmss>` with an empty log.

    Args:
        runs_dir: made where it is missing.
        name: the experiment's; characters that file names lack become "-".
        files: texts to keep as given, by file name ("experiment.yaml", "chip.yaml").
        resolved: the experiment with every default, written as JSON.
        environment: what the run runs on, likewise; see `environment_record`.
        simulated: whether anything in the run is no hardware; marks log and exports.
        baseline: what the baseline column holds: C0, C₋ ("paired"), or nothing (NaN).
        parameter_names: (P,) in the order of θ, for exports.
        parameter_units: (P,) likewise.
        started: when the run starts, UTC; now by default.
        reference: what trained, where it was no chip: "backpropagation".

    Raises:
        ConfigurationError: the folder cannot be written; nothing was energised.
    """
    for file in files:
        if Path(file).name != file or file in _OURS or file.startswith("."):
            raise ConfigurationError(f"a run cannot hold a file named {file!r}")
    moment = datetime.now(UTC) if started is None else started.astimezone(UTC)
    meta = {
        "name": name,
        "simulated": simulated,
        "created_utc": moment.isoformat(),
        "mgd_lab": __version__,
        "baseline": baseline,
        "parameter_names": list(parameter_names),
        "parameter_units": list(parameter_units),
        **({"reference": reference} if reference else {}),
    }
    texts = {
        **files,
        RESOLVED_NAME: json_text(resolved, indent=2) + "\n",
        ENVIRONMENT_NAME: json_text(environment, indent=2) + "\n",
    }
    folder = RunFolder(_new_folder(Path(runs_dir), f"{_sanitised(name)}-{moment:%Y%m%d-%H%M%S}"))
    try:
        _fill(folder, texts, meta)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise _unwritable(folder.path, error) from error
    return folder


def _fill(folder: RunFolder, texts: Mapping[str, str], meta: Mapping[str, Any]) -> None:
    for file, text in texts.items():
        write_file(folder.path / file, text)
    create_log(folder.log, meta)
    sync_folder(folder.path)
    sync_folder(folder.path.parent)


def _new_folder(runs_dir: Path, stem: str) -> Path:
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(runs_dir, error) from error
    suffix = 1
    while True:
        path = runs_dir / (stem if suffix == 1 else f"{stem}-{suffix}")
        try:
            path.mkdir()
        except FileExistsError:
            suffix += 1
        except OSError as error:
            raise _unwritable(runs_dir, error) from error
        else:
            return path


def _numbered(path: Path) -> Path:
    number = 1
    while (numbered := _with_number(path, number)).exists():
        number += 1
    return numbered


def _with_number(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _sanitised(name: str) -> str:
    kept = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-_")
    return kept[:_LONGEST_NAME] or "run"


def _unwritable(path: Path, error: Exception) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigurationError(
        f"cannot write a run in {path}: {reason}. Nothing was energised. "
        "Name another folder with --runs-dir, or make this one writable."
    )
