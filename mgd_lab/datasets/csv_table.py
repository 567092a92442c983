"""A CSV file of numbers with a header → named columns."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import DataError


@dataclass(frozen=True)
class CsvTable:
    """Column names and their numbers, float64 (rows, columns)."""

    columns: tuple[str, ...]
    values: NDArray[np.float64]


def read_csv(path: Path) -> CsvTable:
    """Read a comma-separated file whose first row names the columns.

    Raises:
        DataError: with line and column of the first thing that is wrong: no header, ragged rows,
            cells that are no finite numbers, no rows, a file that cannot be read as text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = _header(path, next(reader, None))
            rows = [
                _numbers(path, reader.line_num, columns, cells)
                for cells in reader
                if any(cell.strip() for cell in cells)
            ]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text; expected a CSV file or a .npz") from error
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file: {error}") from error
    if not rows:
        raise DataError(f"{path}: no samples after the header; expected a row of numbers a sample")
    return CsvTable(columns, np.array(rows, np.float64))


def _header(path: Path, cells: list[str] | None) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells or ())
    if not columns:
        raise DataError(f"{path}: the file is empty; expected a header with column names")
    if all(_is_number(column) for column in columns):
        raise DataError(
            f"{path}:1: the first row holds numbers; expected a header with column names"
        )
    for position, column in enumerate(columns, start=1):
        if not column:
            raise DataError(f"{path}:1: column {position} has no name")
        if column in columns[: position - 1]:
            raise DataError(f"{path}:1: two columns are named {column!r}")
    return columns


def _numbers(path: Path, line: int, columns: tuple[str, ...], cells: list[str]) -> list[float]:
    if len(cells) != len(columns):
        raise DataError(
            f"{path}:{line}: {len(cells)} cells; expected {len(columns)}, one for each column of "
            "the header"
        )
    numbers: list[float] = []
    for column, cell in zip(columns, cells, strict=True):
        if not _is_number(cell):
            raise DataError(f"{path}:{line}: column {column!r}: {cell!r} is no number")
        number = float(cell)
        if not math.isfinite(number):
            raise DataError(f"{path}:{line}: column {column!r}: {cell.strip()} is not finite")
        numbers.append(number)
    return numbers


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
