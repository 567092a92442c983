"""Where a chip is, in one spelling: two chip files for one chip give the same."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any, cast

from mgd_lab.experiment import ChipSettings

_SIMULATION = "@sim"
_BOARD = re.compile(r"(?P<kind>[a-z]+)(?P<board>\d*)$")
_SERIAL = "asrl"
_PSEUDO_TERMINALS = "/dev/pts/"
_NETWORK = ("tcpip", "vicp")


def chip_addresses(settings: ChipSettings) -> tuple[str, ...]:
    """All that a chip file leads to: the chip, its instruments; none of what is simulated.

    In an order of their own, so that two who want some of the same do not wait for each other.
    """
    instruments = getattr(settings, "instruments", None)
    found = [chip_address(settings)]
    if isinstance(instruments, dict) and not _is_simulated(settings):
        found += [chip_address(each) for each in cast("dict[str, Any]", instruments).values()]
    return tuple(sorted({address for address in found if address is not None}))


def chip_address(settings: ChipSettings) -> str | None:
    """A serial port's real path or a VISA resource; None for what lives in this process.

    Drivers name it by the keys `resource` or `port`, or by a property `lock_name`. The driver and
    its VISA library do not matter: by whatever way, it is the same chip.
    """
    if _is_simulated(settings):
        return None
    resource = getattr(settings, "resource", None)
    if isinstance(resource, str) and resource:
        return _canonical(resource)
    port = getattr(settings, "port", None)
    if isinstance(port, str) and port:
        return _real_path(port)
    # A driver that reaches its instrument in a way of its own may name it by itself.
    own: Any = getattr(settings, "lock_name", None)
    return own if isinstance(own, str) and own else None


def _is_simulated(settings: ChipSettings) -> bool:
    return getattr(settings, "visa_library", None) == _SIMULATION


def _canonical(resource: str) -> str:
    first, *rest = resource.strip().split("::")
    if first.lower().startswith(_SERIAL) and os.sep in first:
        return _real_path(first[len(_SERIAL) :])
    fields = [first.lower(), *(field.lower() for field in rest)]
    interface = _BOARD.match(fields[0])
    if interface is None:
        return "::".join(fields)
    if interface["kind"] in _NETWORK and len(fields) > 1:
        fields[1] = _numeric(fields[1])
    fields[0] = f"{interface['kind']}{interface['board'] or '0'}"
    return "::".join(fields)


def _numeric(host: str) -> str:
    """The host's address; its name where nothing resolves it, as opening it will tell."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return host
    return min(str(entry[4][0]) for entry in found)


def _real_path(port: str) -> str:
    real = os.path.realpath(port)
    # The name of a pseudo-terminal is another's as soon as it is closed; links to it last.
    return str(Path(port).absolute()) if real.startswith(_PSEUDO_TERMINALS) else real
