"""VISA resources that a library of others has opened."""

from __future__ import annotations

import socket
from typing import Any

import pyvisa

from mgd_lab.errors import ConfigurationError, LinkError

_NO_SESSION = 0


def check_library(place: str, library: Any) -> None:
    """ConfigurationError where there is no such VISA library."""
    try:
        pyvisa.ResourceManager(library)
    except Exception as error:
        raise ConfigurationError(
            f"{place}: the VISA library {library!r} cannot be used: {error}"
        ) from error


def prepare(resource: Any, place: str, timeout_seconds: float) -> None:
    """Our time-out, and small messages that leave at once.

    Raises:
        LinkError: nothing is behind the resource, which pyvisa-sim does not tell.
    """
    if resource.session == _NO_SESSION:
        raise LinkError(f"{place}: no answer. Check the key resource and the cable")
    resource.timeout = max(1, round(timeout_seconds * 1000))
    sessions: dict[Any, Any] = getattr(resource.visalib, "sessions", {})
    interface: Any = getattr(sessions.get(resource.session), "interface", None)
    for found in (interface, getattr(interface, "_sync", None)):
        # pyvisa-py leaves Nagle's algorithm on: 40 ms for every setting that is then read back.
        if isinstance(found, socket.socket) and found.type == socket.SOCK_STREAM:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
