"""Data sets in the official layouts, a few samples large, and a server that offers them."""

from __future__ import annotations

import gzip
import io
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mgd_lab.datasets.files import CIFAR10, FASHION_MNIST, Download, OfficialFile, OfficialSet

_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def _idx_bytes(values: np.ndarray) -> bytes:
    """An IDX file, written from the format's description."""
    code = _CODES[values.dtype.str[1:]]
    header = bytes([0, 0, code, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[np.ndarray], bytes]:
    return _idx_bytes


@pytest.fixture(scope="session")
def tar_of() -> Callable[..., bytes]:
    return _tar_of


@dataclass
class Small:
    """A data set whose official files are small; `contents` and `offered` are their bytes."""

    official: OfficialSet
    contents: dict[str, bytes]
    offered: dict[str, bytes]
    arrays: dict[str, np.ndarray]

    def lay(self, home: Path, *, wrapped: bool = False) -> Path:
        """Its files, below a folder of data sets."""
        folder = home / self.official.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            if wrapped:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
            else:
                (folder / name).write_bytes(content)
        return folder


def _small(
    like: OfficialSet,
    contents: dict[str, bytes],
    offered: dict[str, bytes],
    arrays: dict[str, np.ndarray],
) -> Small:
    def entries(kind: Any, files: dict[str, bytes]) -> tuple[Any, ...]:
        return tuple(
            kind(name, sha256(content).hexdigest(), len(content)) for name, content in files.items()
        )

    files, downloads = entries(OfficialFile, contents), entries(Download, offered)
    return Small(replace(like, files=files, downloads=downloads), contents, offered, arrays)


@pytest.fixture
def fashion() -> Small:
    """9 + 4 images."""
    generator = np.random.default_rng(7)
    arrays = {
        "train-images-idx3-ubyte": generator.integers(0, 256, (9, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": generator.integers(0, 10, 9, np.uint8),
        "t10k-images-idx3-ubyte": generator.integers(0, 256, (4, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": generator.integers(0, 10, 4, np.uint8),
    }
    contents = {name: _idx_bytes(values) for name, values in arrays.items()}
    offered = {f"{name}.gz": gzip.compress(content, 9) for name, content in contents.items()}
    return _small(FASHION_MNIST, contents, offered, arrays)


@pytest.fixture
def cifar() -> Small:
    """Five batches of 3 images, and 3 of test."""
    generator = np.random.default_rng(8)
    names = [file.name for file in CIFAR10.files]
    arrays = {name: generator.integers(0, 256, (3, 3073), np.uint8) for name in names}
    for records in arrays.values():
        records[:, 0] %= 10
    contents = {name: records.tobytes() for name, records in arrays.items()}
    return _small(CIFAR10, contents, {"cifar-10-binary.tar.gz": _tar_of(contents)}, arrays)


def _tar_of(contents: dict[str, bytes], folder: str = "cifar-10-batches-bin") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {"readme.html": b"<html>", **contents}.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@dataclass
class Site:
    """What a server offers, how it misbehaves, and what it was asked for."""

    files: dict[str, bytes]
    cut_after: int | None = None
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        name, wanted = self.path.lstrip("/"), self.headers.get("Range")
        site.asked.append((name, wanted))
        content = site.files.get(name)
        if content is None:
            self.send_error(404)
            return
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
        if first and first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        # As some servers say of .gz files; who unwraps for it gets other bytes.
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        body = content[first:]
        self.wfile.write(body if site.cut_after is None else body[: site.cut_after])
        if site.cut_after is not None and len(body) > site.cut_after:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: stderr is for failures."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none."""


@pytest.fixture
def site() -> Iterator[Site]:
    offered = Site({})
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = offered  # type: ignore[attr-defined]
    offered.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield offered
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache of data sets, empty; no other folder is searched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MGD_LAB_DATA", raising=False)
    monkeypatch.setattr("mgd_lab.datasets.files.folders._SYSTEM", tmp_path / "system")
    return tmp_path / "cache" / "mgd-lab"
