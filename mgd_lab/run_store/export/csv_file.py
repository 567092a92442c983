"""Tables as CSV: metadata in leading lines that begin with "# ", then a header line.

Read it with `pandas.read_csv(file, comment="#")`. Numbers have all their digits.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgd_lab.run_store.columns import Column, Piece, Table


def write_csv(path: Path, tables: list[Table], metadata: Mapping[str, Any]) -> None:
    """One table; a column of width w becomes w columns `name_0` …"""
    (table,) = tables
    with path.open("w", encoding="utf-8", newline="") as file:
        for key, value in {**metadata, "table": table.name}.items():
            file.write(f"# {key}: {value}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([title for column in table.columns for title in _titles(column)])
        for piece in table.pieces():
            writer.writerows(zip(*_flat(table, piece), strict=True))


def _titles(column: Column) -> list[str]:
    return [f"{column.name}_{i}" for i in range(column.width)] if column.width else [column.name]


def _flat(table: Table, piece: Piece) -> list[list[Any]]:
    flat: list[list[Any]] = []
    for column in table.columns:
        values = piece[column.name]
        flat.extend(values.T.tolist() if column.width else [values.tolist()])
    return flat
