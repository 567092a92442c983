"""One run into files of a format that the destination's suffix names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.run_store.columns import Table, run_metadata, run_tables
from mgd_lab.run_store.export.csv_file import write_csv
from mgd_lab.run_store.export.hdf5_file import write_hdf5
from mgd_lab.run_store.export.netcdf_file import write_netcdf
from mgd_lab.run_store.export.parquet_file import write_parquet
from mgd_lab.run_store.run import Run

MAIN_TABLE = "costs"


@dataclass(frozen=True)
class ExportFormat:
    """`write(path, tables, metadata)`; `one_file` where one file holds all tables."""

    write: Callable[[Path, list[Table], Mapping[str, Any]], None]
    one_file: bool


FORMATS = {
    ".parquet": ExportFormat(write_parquet, one_file=False),
    ".h5": ExportFormat(write_hdf5, one_file=True),
    ".hdf5": ExportFormat(write_hdf5, one_file=True),
    ".nc": ExportFormat(write_netcdf, one_file=True),
    ".csv": ExportFormat(write_csv, one_file=False),
}


def export_run(run: Run, destination: Path | str, *, overwrite: bool = False) -> list[Path]:
    """Export a run as of its latest checkpoint; the files written, the named one first.

    `.h5`, `.hdf5` and `.nc` hold all tables in one file. `.parquet` and `.csv` hold the costs in
    the named file and each other table beside it: `name.parameters.csv`, `name.evaluations.csv`,
    `name.telemetry.csv`, `name.events.csv`, `name.window_means.csv`, `name.checkpoints.csv`.
    Every file carries the run's metadata and whether it was simulated. Data pass in pieces:
    memory is bounded.

    Files appear whole or not at all.

    Raises:
        ConfigurationError: unknown suffix, a file exists already, no such folder.
        MissingExtraError: the library of the format is not installed.
        RunStoreError: the log is damaged, or the files cannot be written.
    """
    path = Path(destination)
    chosen = FORMATS.get(path.suffix.lower())
    if chosen is None:
        raise ConfigurationError(
            f"cannot export to {path}: the suffix {path.suffix!r} names no known format. "
            f"Known are {', '.join(FORMATS)}."
        )
    if not path.parent.is_dir():
        raise ConfigurationError(f"cannot export to {path}: no folder {path.parent}. Create it.")
    with run.one_moment():
        tables = run_tables(run)
        files = {path: tables}
        if not chosen.one_file:
            files = {_file_of(path, table): [table] for table in tables}
        _refuse_existing(files, overwrite)
        _write_whole(chosen, files, run_metadata(run))
    return list(files)


def _file_of(path: Path, table: Table) -> Path:
    return path if table.name == MAIN_TABLE else path.with_suffix(f".{table.name}{path.suffix}")


def _refuse_existing(files: Mapping[Path, list[Table]], overwrite: bool) -> None:
    for file in files:
        if file.is_dir():
            raise ConfigurationError(f"cannot export to {file}: it is a folder")
        if file.exists() and not overwrite:
            raise ConfigurationError(
                f"{file} exists already. Name another file, or overwrite it with --overwrite "
                "(overwrite=True)."
            )


def _write_whole(
    chosen: ExportFormat, files: Mapping[Path, list[Table]], metadata: Mapping[str, Any]
) -> None:
    # The temporary name keeps the suffix, by which some libraries choose the format.
    parts = {file: file.with_name(f".part-{file.name}") for file in files}
    try:
        for file, tables in files.items():
            chosen.write(parts[file], tables, metadata)
        for file, part in parts.items():
            part.replace(file)
    except (OSError, RuntimeError, ValueError) as error:
        raise RunStoreError(
            f"cannot export to {next(iter(files))}: {error}. Nothing usable was left there; "
            "check the disk and the folder's rights."
        ) from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
