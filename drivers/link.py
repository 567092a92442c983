"""What a dialect offers to the chip behind it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.wire import Request


def place(name: str, address: str) -> str:
    """What messages call a device: its name, and where it is unless that is its name."""
    return name if name == address else f"{name} ({address})"


class Link(Protocol):
    """Requests and replies in step with one device.

    A request that was sent and whose reply was not read and checked leaves the link out of step:
    it refuses requests until it is opened or restored. So a reply that comes late can never be
    taken for that of a later request. Methods raise LinkError where there is no answer, or none
    that can be trusted.
    """

    @property
    def name(self) -> str:
        """What messages call the chip."""
        ...

    @property
    def address(self) -> str:
        """Resource or port."""
        ...

    @property
    def out_of_step(self) -> bool:
        """Whether the link must be opened or restored before it is of use."""
        ...

    @property
    def largest_request_bytes(self) -> int:
        """Most bytes of one request, or of its reply, that the link carries."""
        ...

    def open(self) -> None:
        """A new session; what an earlier one left unread goes with it."""
        ...

    def close(self) -> None:
        """Closes the session; calling it again does nothing."""
        ...

    def restore(self) -> bool:
        """In step again; whether that took a new session."""
        ...

    def identify(self) -> dict[str, str]:
        """manufacturer, model, serial, firmware."""
        ...

    def describe(self) -> ChipDescription:
        """What the chip says of itself."""
        ...

    def learn_epoch(self, known: int | None = None) -> int:
        """Asks for the session epoch, which every reply must carry from now on.

        An answer without a checksum is believed when it comes twice, or is what was `known`.
        """
        ...

    def take_errors(self) -> list[str]:
        """Errors that the device has kept for whoever asks."""
        ...

    def exchange(self, request: Request, count: int) -> NDArray[np.float64]:
        """One training request and the `count` results that it asks for.

        Raises:
            InstrumentError: the chip refused; the link is still in step.
            LimitError: likewise, since something lay beyond its limits.
            LinkError: no reply, or none that can be trusted; the link is out of step.
        """
        ...
