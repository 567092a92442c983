"""One file from the net, by pooch."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import Any

from mgd_lab.datasets.files.resuming import Observer, ResumingDownload
from mgd_lab.errors import DataError, MissingExtraError


def download(
    url: str, into: Path, name: str, sha256: str | None, most: int, observe: Observer
) -> Path:
    """Download into a folder; goes on where an earlier download of the same URL was cut off.

    Args:
        url: of the file.
        into: the folder, which exists.
        name: of the file there.
        sha256: that pooch demands of it; None where the contents are judged later.
        most: bytes that it may have.
        observe: told of progress.

    Raises:
        DataError: no connection, a refusal of the server, a wrong checksum, a full disk.
        MissingExtraError: pooch is not installed.
    """
    pooch, requests = _library("pooch"), _library("requests")
    # What pooch would tell on stderr is told by the caller.
    pooch.get_logger().setLevel(logging.WARNING)
    known = None if sha256 is None else f"sha256:{sha256}"
    downloader = ResumingDownload(requests, name, most, observe)
    try:
        return Path(pooch.retrieve(url, known, fname=name, path=into, downloader=downloader))
    except requests.HTTPError as error:
        raise DataError(f"{url}: the server refuses: {error}") from error
    except requests.RequestException as error:
        raise DataError(f"{url}: no connection: {_short(error)}") from error
    except ValueError as error:
        # pooch's word for a checksum that differs; it has removed the file.
        raise DataError(f"{url} is not the official file: {error}") from error
    except OSError as error:
        raise DataError(f"{into}: cannot write {name}: {error.strerror or error}") from error


def _short(error: Exception) -> str:
    """The innermost reason; requests wraps it in several layers of text."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return str(inner) or type(inner).__name__


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError("data fetch", "pooch", "data") from error
