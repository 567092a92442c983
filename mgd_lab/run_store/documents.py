"""JSON documents of a run: strict JSON, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, cast

import numpy as np

from mgd_lab.errors import RunStoreError


def plain(value: Any) -> Any:
    """The value in JSON's types.

    Infinities and NaN, which JSON lacks, become the strings "inf", "-inf" and "nan", which
    `float()` reads; what JSON cannot say otherwise becomes its `str()`.
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, np.generic | np.ndarray):
        return plain(cast(Any, value).tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        mapping = cast(Mapping[Any, Any], value)
        return {str(key): plain(item) for key, item in mapping.items()}
    if isinstance(value, Set | Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(item) for item in cast(Sequence[Any], value)]
    return str(value)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Strict JSON of `value`."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def write_file(path: Path, text: str) -> None:
    """Write a file whole: a temporary file, fsync, rename; raises `OSError`."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_mapping(path: Path) -> dict[str, Any]:
    """A JSON object of a run; `RunStoreError` where it is missing or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunStoreError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RunStoreError(
            f"{path} is no JSON: {error}. Restore it from a copy, or delete it if it is "
            "summary.json (it is rebuilt from the log)."
        ) from error
    if not isinstance(value, dict):
        raise RunStoreError(f"{path} holds no JSON object. Restore it from a copy.")
    return cast(dict[str, Any], value)
