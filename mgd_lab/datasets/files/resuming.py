"""A downloader for pooch that keeps what came, and goes on from there the next time."""

from __future__ import annotations

import fcntl
import os
import re
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mgd_lab.errors import DataError
from mgd_lab.version import __version__

Observer = Callable[[str, int, int | None], None]
"""Told a file's name, bytes so far, and bytes in all where they are known."""

_SECONDS = (10.0, 60.0)
_CHUNK = 2**16
_PARTIAL, _RANGE_UNFIT = 206, 416


class ResumingDownload:
    """What `pooch.retrieve` takes as its downloader.

    Bytes gather in a hidden `.part` beside the destination, named after the URL; only a whole
    download becomes the file that pooch judges by its checksum.
    """

    def __init__(self, requests: Any, name: str, most: int, observe: Observer) -> None:
        self._requests = requests
        self._name = name
        self._most = most
        self._observe = observe

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Download `url` into the path `output_file`; the signature is pooch's.

        Raises:
            DataError: the connection ends early, the file is larger than any that is expected, or
                another process downloads it.
            requests.RequestException: there is no connection, or the server refuses.
        """
        key = zlib.crc32(url.encode())
        part = Path(output_file).parent / f".{self._name}.{key:08x}.part"
        with _alone(part) as file:
            try:
                self._complete(url, file)
                part.replace(output_file)
            finally:
                if not os.fstat(file.fileno()).st_size:
                    part.unlink(missing_ok=True)

    def _complete(self, url: str, file: BinaryIO) -> None:
        begun = file.seek(0, os.SEEK_END)
        headers = {"Accept-Encoding": "identity", "User-Agent": f"mgd-lab/{__version__}"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
        with self._requests.get(url, headers=headers, timeout=_SECONDS, stream=True) as response:
            if begun and response.status_code == _RANGE_UNFIT:
                # Nothing follows what is here: it is whole, or of another file; its checksum tells.
                return
            response.raise_for_status()
            if not _goes_on(response, begun):
                file.truncate(file.seek(0))
                begun = 0
            length = response.headers.get("Content-Length")
            total = begun + int(length) if length and length.isdecimal() else None
            self._write(url, response, file, begun, total)

    def _write(
        self, url: str, response: Any, file: BinaryIO, begun: int, total: int | None
    ) -> None:
        done, problem = begun, ""
        self._observe(self._name, done, total)
        try:
            # Raw: a server that declares the file's own gzip as an encoding must not unwrap it.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                done += len(chunk)
                self._observe(self._name, done, total)
                if done > self._most:
                    file.truncate(0)
                    raise DataError(
                        f"{url} is larger than {self._most:,} bytes; it is not the file that was "
                        "expected"
                    )
        except _transport_errors() as error:
            problem = f" ({error})"
        finally:
            file.flush()
        if problem or (total is not None and done < total):
            expected = f" of {total:,}" if total is not None else ""
            raise DataError(
                f"{url}: the connection ended after {done:,}{expected} bytes{problem}. They are "
                "kept: the same command goes on from there"
            )


@contextmanager
def _alone(part: Path) -> Generator[BinaryIO]:
    """The file of the part, open for writing, with a lock that the kernel drops with its holder."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"another process downloads {part} at this moment") from error
        yield file


def _goes_on(response: Any, begun: int) -> bool:
    """Whether the reply begins where the part ends; a server may send everything instead."""
    sent = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status_code == _PARTIAL and sent is not None and int(sent[1]) == begun


def _transport_errors() -> type[Exception]:
    from urllib3.exceptions import HTTPError

    return HTTPError
