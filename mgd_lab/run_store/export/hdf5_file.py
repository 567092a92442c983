"""Tables as groups of one HDF5 file, columns as datasets; metadata in the root's attributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgd_lab.run_store.columns import TEXT, Column, Table
from mgd_lab.run_store.dataset import attributes
from mgd_lab.run_store.libraries import load_library


def write_hdf5(path: Path, tables: list[Table], metadata: Mapping[str, Any]) -> None:
    h5py = load_library("h5py", "export to HDF5")
    with h5py.File(path, "w") as file:
        _set_metadata(h5py, file, metadata)
        for table in tables:
            group = file.create_group(table.name)
            for column in table.columns:
                dataset = group.create_dataset(
                    column.name, _shape(table, column), dtype=_dtype(h5py, column)
                )
                dataset.attrs.update(attributes(column))
            _fill(group, table)


def _fill(group: Any, table: Table) -> None:
    at = 0
    for piece in table.pieces():
        rows = len(piece[table.columns[0].name])
        for column in table.columns:
            values = piece[column.name]
            if rows:
                group[column.name][at : at + rows] = (
                    values.astype(object) if column.dtype == TEXT else values
                )
        at += rows


def _shape(table: Table, column: Column) -> tuple[int, ...]:
    return (table.rows, column.width) if column.width else (table.rows,)


def _dtype(h5py: Any, column: Column) -> Any:
    return h5py.string_dtype() if column.dtype == TEXT else column.dtype


def _set_metadata(h5py: Any, file: Any, metadata: Mapping[str, Any]) -> None:
    for key, value in metadata.items():
        file.attrs[key] = value
    file.attrs["hdf5_version"] = h5py.version.hdf5_version
