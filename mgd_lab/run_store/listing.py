"""The runs of a folder at a glance, without reading their logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.run_store.folder import ENVIRONMENT_NAME, LOG_NAME, RESOLVED_NAME
from mgd_lab.run_store.run import open_run


@dataclass(frozen=True)
class RunListing:
    """One run of a folder.

    Attributes:
        name: the folder's name.
        status: as in the summary, or "broken", and then `problem` says why.
        created_utc: ISO 8601, "" where broken.
        summary: what `--json` printed at its end, or the same rebuilt; empty where broken.
    """

    path: Path
    status: str
    created_utc: str = ""
    simulated: bool | None = None
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    problem: str = ""

    @property
    def name(self) -> str:
        return self.path.name


def list_runs(runs_dir: Path | str) -> list[RunListing]:
    """All runs directly in `runs_dir`, by name; folders that are no runs are left out.

    Raises:
        ConfigurationError: `runs_dir` cannot be listed.
    """
    folder = Path(runs_dir)
    try:
        entries = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise ConfigurationError(
            f"cannot list the runs in {folder}: {error.strerror}. Name the folder of your runs."
        ) from error
    return [_listing(path) for path in entries if _is_run(path)]


def _is_run(path: Path) -> bool:
    try:
        return (path / LOG_NAME).exists() or all(
            (path / name).exists() for name in (RESOLVED_NAME, ENVIRONMENT_NAME)
        )
    except OSError:
        return False


def _listing(path: Path) -> RunListing:
    try:
        with open_run(path) as run:
            summary = run.summary
            return RunListing(
                path=path,
                status=str(summary.get("status", "unknown")),
                created_utc=str(run.meta.get("created_utc", "")),
                simulated=run.simulated,
                summary=summary,
            )
    except (RunStoreError, OSError) as error:
        return RunListing(path=path, status="broken", problem=str(error))
