"""CRC-32 of the log's rows: SQLite notices pages out of order, not a value that changed."""

from __future__ import annotations

import struct
import zlib

from mgd_lab.errors import RunStoreError


def row_crc(numbers: tuple[int, ...], *blobs: object) -> int:
    """CRC-32 (zlib) over the whole numbers as little-endian int64, then the bytes as they are."""
    crc = zlib.crc32(struct.pack(f"<{len(numbers)}q", *numbers))
    for blob in blobs:
        # SQLite gives back whatever a column was made to hold; what is no bytes was not written.
        crc = zlib.crc32(blob, crc) if isinstance(blob, bytes) else ~crc & 0xFFFFFFFF
    return crc


def verify_crc(
    written: int | None, numbers: tuple[int, ...], *blobs: object, steps: tuple[int, int]
) -> None:
    """`RunStoreError` where the row is not what was written.

    `written` is kept with the row; rows of schema version 1 have None and are not checked. `steps`
    are the first and the last that the row tells of. The rest is as in `row_crc`.
    """
    if written is None:
        return
    found = row_crc(numbers, *blobs)
    if found != written:
        first, last = steps
        raise RunStoreError(
            f"the log is damaged at steps {first}…{last}: its checksum is {found:08x}, and "
            f"{written:08x} was written. Restore log.sqlite from a copy; what lies outside these "
            "steps can still be read."
        )
