"""Contents of a file, unwrapped where it is a gzip file, and never more than is asked for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from mgd_lab.errors import DataError

_GZIP = b"\x1f\x8b"
_CHUNK = 2**20


@contextmanager
def open_contents(path: Path) -> Generator[BinaryIO]:
    """The file's contents as a stream; gzip is known by its first bytes, not by the file's name.

    Raises:
        DataError: the file cannot be read, or its gzip wrapping is damaged or cut off; also from
            within the block.
    """
    try:
        with path.open("rb") as raw:
            if raw.peek(2)[:2] != _GZIP:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unwrapped:
                yield cast("BinaryIO", unwrapped)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: a damaged or incomplete gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def read_up_to(stream: BinaryIO, count: int) -> bytearray:
    """At most `count` bytes. Memory grows with what is there, not with what was promised."""
    found = bytearray()
    while len(found) < count:
        chunk = stream.read(min(_CHUNK, count - len(found)))
        if not chunk:
            break
        found += chunk
    return found


def contents_sha256(path: Path, size: int) -> str | None:
    """SHA-256 of contents of `size` bytes; None where they are shorter or longer.

    Raises:
        DataError: as `open_contents`.
    """
    digest, total = sha256(), 0
    with open_contents(path) as stream:
        # One byte more tells that there is more, and has gzip judge the end of its data.
        while chunk := stream.read(min(_CHUNK, size + 1 - total)):
            digest.update(chunk)
            total += len(chunk)
    return digest.hexdigest() if total == size else None
