"""Tables as Parquet, a row group a piece; metadata in the schema's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgd_lab.run_store.columns import TEXT, Column, Table
from mgd_lab.run_store.libraries import load_library


def write_parquet(path: Path, tables: list[Table], metadata: Mapping[str, Any]) -> None:
    """One table; a column of width w becomes one of lists of w numbers."""
    arrow = load_library("pyarrow", "export to Parquet")
    parquet = load_library("pyarrow.parquet", "export to Parquet")
    (table,) = tables
    fields = [
        arrow.field(
            column.name,
            _arrow_type(arrow, column),
            metadata={"description": column.meaning, "unit": column.unit},
        )
        for column in table.columns
    ]
    texts = {key: str(value) for key, value in {**metadata, "table": table.name}.items()}
    schema = arrow.schema(fields, metadata=texts)
    with parquet.ParquetWriter(path, schema) as writer:
        for piece in table.pieces():
            arrays = [_arrow_array(arrow, column, piece[column.name]) for column in table.columns]
            writer.write_table(arrow.table(arrays, schema=schema))


def _arrow_type(arrow: Any, column: Column) -> Any:
    item = arrow.string() if column.dtype == TEXT else arrow.from_numpy_dtype(column.dtype)
    return arrow.list_(item, column.width) if column.width else item


def _arrow_array(arrow: Any, column: Column, values: Any) -> Any:
    if column.dtype == TEXT:
        return arrow.array(values.tolist(), type=arrow.string())
    native = values.astype(column.dtype, copy=False)
    flat = arrow.array(native.reshape(-1))
    return arrow.FixedSizeListArray.from_arrays(flat, column.width) if column.width else flat
