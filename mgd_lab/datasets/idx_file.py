"""IDX files, the format of MNIST and its relatives.

Two zero bytes, a type, the number of dimensions; each dimension as a big-endian uint32; the values,
big-endian, the last dimension fastest (LeCun, Cortes, Burges, "The MNIST database").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.datasets.files.contents import open_contents, read_up_to
from mgd_lab.errors import DataError

MOST_BYTES = 2**33
_MOST_DIMENSIONS = 8
_TYPES: Mapping[int, str] = {
    0x08: "u1",
    0x09: "i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}


@dataclass(frozen=True)
class IdxFile:
    """Values in the file's shape and type (native byte order), and SHA-256 of the contents."""

    values: NDArray[Any]
    sha256: str


def read_idx(path: Path) -> IdxFile:
    """Read an IDX file, gzip or plain.

    Raises:
        DataError: the file cannot be read or unwrapped, is no IDX file, is too short or goes on
            after its values.
    """
    with open_contents(path) as stream:
        magic = bytes(read_up_to(stream, 4))
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
            raise DataError(
                f"{path}: not an IDX file: it begins with {magic.hex(' ') or 'nothing'}; expected "
                "00 00, a type (08 to 0e) and the number of dimensions"
            )
        sizes = bytes(read_up_to(stream, 4 * magic[3]))
        shape = _shape(path, magic[3], sizes)
        dtype = np.dtype(_TYPES[magic[2]])
        size = _size(path, shape, dtype)
        body = read_up_to(stream, size + 1)
    if len(body) != size:
        found = f"{len(body):,}" if len(body) < size else "more"
        raise DataError(
            f"{path}: announces {' x '.join(map(str, shape))} values of {dtype.itemsize} bytes, "
            f"{size:,} bytes, and holds {found}; the file is damaged"
        )
    digest = sha256(magic + sizes)
    digest.update(body)
    values = np.frombuffer(body, dtype).reshape(shape)
    return IdxFile(values.astype(dtype.newbyteorder("="), copy=False), digest.hexdigest())


def _shape(path: Path, dimensions: int, sizes: bytes) -> tuple[int, ...]:
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise DataError(
            f"{path}: an IDX file of {dimensions} dimensions; expected 1 to {_MOST_DIMENSIONS}"
        )
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: ends within its header; the file is damaged")
    return tuple(int(size) for size in np.frombuffer(sizes, ">u4"))


def _size(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    # Whole numbers of Python: a product of uint32 cannot wrap around.
    size = math.prod(shape) * dtype.itemsize
    if 0 in shape or size > MOST_BYTES:
        raise DataError(
            f"{path}: announces {' x '.join(map(str, shape))} values of {dtype.itemsize} bytes; "
            f"expected at least one value and at most {MOST_BYTES:,} bytes"
        )
    return size
