"""A user's own data: a .npz or a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.csv_table import CsvTable, read_csv
from mgd_lab.datasets.data_set import DataSet, SplitName
from mgd_lab.datasets.npz_arrays import read_npz
from mgd_lab.datasets.numeric import input_array, target_array
from mgd_lab.datasets.splitting import Indices, split_by_name, split_indices
from mgd_lab.errors import DataError

TargetColumns = int | Sequence[str] | None


def arrays(
    path: str | Path,
    targets: TargetColumns = None,
    seed: int = 1,
    validation: float = 0.0,
    test: float = 0.0,
) -> DataSet:
    """Read inputs and targets from a file.

    A .npz holds `inputs` (N, I) and `targets` (N, O), or (N,) integer labels, which become
    one-hot rows; `test_inputs` and `test_targets` are an official test split. A CSV has a header;
    its target columns are the last ones.

    Args:
        path: the file.
        targets: CSV only: how many of the last columns are targets (default 1), or their names.
        seed: of the splits.
        validation: fraction of the samples, 0 to 1.
        test: likewise; must be 0 where the file has an official test split.

    Raises:
        DataError: the file, its shapes or its values are wrong; with the place.
    """
    path = Path(path)
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise DataError(f"data file {path} {found}; task.file must name a .npz or .csv file")
    try:
        if path.suffix.lower() == ".npz":
            if targets is not None:
                raise DataError(
                    f"{path}: task.targets names columns of a CSV; a .npz has the array 'targets'"
                )
            return _from_npz(path, seed, validation, test)
        if path.suffix.lower() == ".csv":
            return _from_csv(path, 1 if targets is None else targets, seed, validation, test)
    except OSError as error:
        raise DataError(f"data file {path} cannot be read: {error.strerror or error}") from error
    raise DataError(f"data file {path}: expected a name that ends in .npz or .csv")


def _from_npz(path: Path, seed: int, validation: float, test: float) -> DataSet:
    found = read_npz(path)
    count = len(input_array(found["inputs"], f"{path}: inputs"))
    _require_pairs(path, found, "inputs", "targets")
    if "test_inputs" in found:
        _refuse_second_test_split(path, test)
        _require_pairs(path, found, "test_inputs", "test_targets")
        raw_inputs = _joined(path, found, "inputs")
        raw_targets = _joined(path, found, "targets")
        splits = _splits_beside_official_test(count, len(raw_inputs), seed, validation)
    else:
        raw_inputs, raw_targets = found["inputs"], found["targets"]
        splits = split_by_name(count, seed, validation, test)
    inputs = input_array(raw_inputs, f"{path}: inputs")
    targets, kind = target_array(raw_targets, f"{path}: targets")
    return DataSet("arrays", inputs, targets, kind, f"arrays of {path}", splits)


def _from_csv(
    path: Path, targets: int | Sequence[str], seed: int, validation: float, test: float
) -> DataSet:
    table = read_csv(path)
    wanted = _target_columns(path, table, targets)
    others = [k for k in range(len(table.columns)) if k not in wanted]
    if not others:
        raise DataError(f"{path}: every column is a target; expected at least one input column")
    inputs = input_array(table.values[:, others], f"{path}: inputs")
    target_values, kind = target_array(table.values[:, wanted], f"{path}: targets")
    splits = split_by_name(len(inputs), seed, validation, test)
    return DataSet("arrays", inputs, target_values, kind, f"columns of {path}", splits)


def _target_columns(path: Path, table: CsvTable, targets: int | Sequence[str]) -> list[int]:
    columns = table.columns
    if isinstance(targets, int):
        if not 1 <= targets < len(columns):
            raise DataError(
                f"{path}: task.targets is {targets}; of {len(columns)} columns, 1 to "
                f"{len(columns) - 1} can be targets"
            )
        return list(range(len(columns) - targets, len(columns)))
    for name in targets:
        if name not in columns:
            raise DataError(
                f"{path}: task.targets names {name!r}; the columns are {', '.join(columns)}"
            )
    if len(set(targets)) != len(targets) or not targets:
        raise DataError(f"{path}: task.targets must name at least one column, and each once")
    return [columns.index(name) for name in targets]


def _splits_beside_official_test(
    count: int, total: int, seed: int, validation: float
) -> dict[SplitName, Indices]:
    train, validations, _ = split_indices(count, seed, validation, 0.0)
    tests: NDArray[np.uint32] = np.arange(count, total, dtype=np.uint32)
    return {"train": train, "validation": validations, "test": tests}


def _refuse_second_test_split(path: Path, test: float) -> None:
    if test:
        raise DataError(
            f"{path} has an official test split (test_inputs); set task.split.test to 0, "
            f"it is {test:g}"
        )


def _require_pairs(path: Path, found: Mapping[str, NDArray[Any]], one: str, other: str) -> None:
    shapes = (found[one].shape, found[other].shape)
    if shapes[0][:1] != shapes[1][:1] or not shapes[0]:
        raise DataError(
            f"{path}: {one} has shape {shapes[0]} and {other} {shapes[1]}; the first number, "
            "of samples, must be the same"
        )


def _joined(path: Path, found: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """The samples of `name`, then those of its official test split."""
    train, test = found[name], found[f"test_{name}"]
    # Labels beside values would be read as values, so kinds of numbers must agree as well.
    if train.shape[1:] != test.shape[1:] or (train.dtype.kind in "iu") != (test.dtype.kind in "iu"):
        raise DataError(
            f"{path}: {name} is {train.dtype} of shape {train.shape}, test_{name} {test.dtype} of "
            f"shape {test.shape}; they may differ in the number of samples only"
        )
    return np.concatenate([train, test])
