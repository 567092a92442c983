"""VISA resources, listed without writing to any; asked for their identity only on demand."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pyvisa

_LONGEST_IDENTITY = 1024
# What an interface is called in a resource name, where the answer to *IDN? is defined
# (IEEE 488.2, 10.14) and nothing depends on a line's speed. The last is a computed device's.
_ASKED = ("USB", "GPIB", "TCPIP")
_ASKED_CLASSES = ("INSTR", "SOCKET")


@dataclass(frozen=True)
class VisaResource:
    """A VISA resource.

    Attributes:
        name: what the chip file's key `resource` takes.
        takes_messages: whether a driver could speak to it; interfaces themselves do not.
        identity: the answer to *IDN?; empty where it was not asked or did not answer.
        note: why it was not asked, or did not answer.
    """

    name: str
    takes_messages: bool
    identity: str = ""
    note: str = ""


@dataclass(frozen=True)
class VisaListing:
    """Resources of one VISA library, and notes on what it could not look at."""

    resources: Sequence[VisaResource]
    notes: Sequence[str]


def list_visa_resources(
    library: Any = "@py",
    *,
    ask: bool = False,
    timeout_seconds: float = 2.0,
    listing_seconds: float = 15.0,
    manager: Callable[[Any], Any] = pyvisa.ResourceManager,
) -> VisaListing:
    """What a VISA library finds; never raises.

    Args:
        library: what `pyvisa.ResourceManager` takes: a name such as "@py", or a library object.
        ask: send `*IDN?` to instruments on USB, GPIB and TCPIP. Serial lines are not asked: what
            is behind them, and at which speed, is not known.
        timeout_seconds: of opening a resource, and of its answer.
        listing_seconds: of finding all resources; libraries search the local network.
        manager: makes a resource manager.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made = manager(library)
        # Backends raise errors of all kinds where something of theirs is missing.
        except Exception as error:  # noqa: BLE001
            text = " ".join(str(error).split()) or type(error).__name__
            return VisaListing((), (f"the VISA library {library!r} cannot be used: {text}",))
        names = _names(made, listing_seconds, notes)
        resources = [VisaResource(name, _takes_messages(name)) for name in names]
        if ask:
            resources = [_asked(made, found, timeout_seconds) for found in resources]
        notes.extend(
            " ".join(str(warning.message).split())
            for warning in caught
            if not issubclass(warning.category, ResourceWarning)
        )
    return VisaListing(tuple(resources), tuple(dict.fromkeys(notes)))


def _names(manager: Any, seconds: float, notes: list[str]) -> list[str]:
    """Names of all resources; a search that does not end is left to itself."""
    found: list[str] = []
    failures: list[str] = []

    def search() -> None:
        try:
            found.extend(cast("Sequence[str]", manager.list_resources("?*")))
        except Exception as error:  # noqa: BLE001 (told in a note)
            failures.append(f"resources cannot be listed: {type(error).__name__}: {error}")

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        notes.append(f"the search for VISA resources did not end within {seconds:g} s")
        return []
    notes.extend(failures)
    return sorted(found)


def _asked(manager: Any, found: VisaResource, seconds: float) -> VisaResource:
    if not found.takes_messages:
        return found
    if not found.name.upper().startswith(_ASKED):
        return replace(found, note="not asked: what a serial line is connected to is not known")
    began = time.monotonic()
    milliseconds = max(1, round(1000 * seconds))
    try:
        opened = manager.open_resource(found.name, open_timeout=milliseconds)
        try:
            opened.timeout = milliseconds
            identity = _identity(opened)
        finally:
            opened.close()
    # A backend, an instrument or the network may fail in any way; the list goes on.
    except Exception as error:  # noqa: BLE001
        elapsed = time.monotonic() - began
        text = " ".join(str(error).split())
        return replace(
            found, note=f"no answer to *IDN? after {elapsed:.2g} s: {type(error).__name__}: {text}"
        )
    return replace(found, identity=identity, note="" if identity else "an empty answer to *IDN?")


def _identity(opened: Any) -> str:
    """One line of text; what cannot be printed is shown as escapes."""
    opened.read_termination = opened.write_termination = "\n"
    opened.write_raw(b"*IDN?\n")
    answer: bytes = opened.read_bytes(_LONGEST_IDENTITY, break_on_termchar=True)
    text = answer.decode("ascii", errors="backslashreplace").strip()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _takes_messages(name: str) -> bool:
    return name.upper().endswith(_ASKED_CLASSES)
