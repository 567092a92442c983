"""The arrays of a .npz file, without ever unpickling."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import DataError

_REQUIRED = ("inputs", "targets")
_OFFICIAL_TEST = ("test_inputs", "test_targets")


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """`inputs` and `targets`, and `test_inputs` and `test_targets` where the file has them.

    Raises:
        DataError: not a .npz file, a missing array, arrays of Python objects.
    """
    try:
        # Opened here: np.load leaves the file open where it fails on what it finds inside.
        with path.open("rb") as stream:
            return _arrays_of(path, stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{path}: a damaged .npz file: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path}: its arrays do not fit in memory: {error}") from error
    except ValueError as error:
        if "allow_pickle" in str(error) or "pickle" in str(error):
            raise DataError(
                f"{path}: holds Python objects (or is no .npz at all); such data are never "
                "unpickled. Save plain numeric arrays with numpy.savez"
            ) from error
        raise DataError(f"{path}: not a .npz file: {error}") from error


def _arrays_of(path: Path, stream: BinaryIO) -> dict[str, NDArray[Any]]:
    file: Any = np.load(stream, allow_pickle=False)
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise DataError(
            f"{path}: a single array; expected a .npz with the arrays inputs and targets"
        )
    with file:
        _require_names(path, set(file.files))
        names = [name for name in (*_REQUIRED, *_OFFICIAL_TEST) if name in file.files]
        return {name: file[name] for name in names}


def _require_names(path: Path, found: set[str]) -> None:
    for name in _REQUIRED:
        if name not in found:
            raise DataError(
                f"{path}: the array {name!r} is missing; the file has "
                f"{', '.join(sorted(found)) or 'none'}"
            )
    given = [name for name in _OFFICIAL_TEST if name in found]
    if len(given) == 1:
        raise DataError(f"{path}: {given[0]!r} is there without its partner of {_OFFICIAL_TEST}")
