"""Image files: written whole or not at all, and the same bytes for the same data."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mgd_lab.errors import ConfigurationError
from mgd_lab.figures.style import Figure

_FORMATS: Mapping[str, str] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


def check_destination(path: Path) -> str:
    """The format that the suffix names; ConfigurationError where nothing could be written."""
    if path.suffix.lower() not in _FORMATS:
        raise ConfigurationError(
            f"cannot plot to {path}: the suffix {path.suffix!r} names no known format. "
            f"Known are {', '.join(_FORMATS)}"
        )
    if path.is_dir():
        raise ConfigurationError(f"cannot plot to {path}: it is a folder. Name a file")
    if not path.parent.is_dir():
        raise ConfigurationError(f"cannot plot to {path}: no folder {path.parent}. Create it")
    return _FORMATS[path.suffix.lower()]


def write_image(figure: Figure, path: Path, image_format: str, title: str, subject: str) -> None:
    """Render, then put the file in place; a file that exists is replaced."""
    image = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that no font here has shows as boxes, which is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(image, format=image_format, metadata=_metadata(image_format, title, subject))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(image.getvalue())
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror}. Name another file with -o, or make its "
            "folder writable"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _metadata(image_format: str, title: str, subject: str) -> dict[str, Any]:
    if image_format == "pdf":
        return {"Title": title, "Subject": subject, "CreationDate": None}
    if image_format == "svg":
        return {"Title": title, "Description": subject, "Date": None}
    return {"Title": title, "Description": subject}
