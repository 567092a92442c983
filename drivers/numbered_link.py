"""What the dialects have in common: requests with numbers, one at a time, in step."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from mgd_lab.errors import InstrumentError, LimitError, LinkError, LinkTimeoutError
from mgd_lab.wire import Reply, Request, Status


class NumberedLink(ABC):
    """The step that a `Link` is in or out of.

    Args:
        name: what messages call the chip.
        sequence: number of the last request; drawn where None, so that a reply of an earlier
            session does not fit by chance.
    """

    def __init__(self, name: str, sequence: int | None) -> None:
        self._name = name
        drawn = int.from_bytes(os.urandom(4), "little")
        self._sequence = drawn if sequence is None else sequence
        self._epoch = 0
        self._out_of_step = True

    @property
    def name(self) -> str:
        """What messages call the chip."""
        return self._name

    @property
    def out_of_step(self) -> bool:
        """Whether the link must be opened or restored before it is of use."""
        return self._out_of_step

    def exchange(self, request: Request, count: int) -> NDArray[np.float64]:
        """One training request and the `count` results that it asks for.

        Raises:
            InstrumentError: the chip refused; the link is still in step.
            LimitError: likewise, since something lay beyond its limits.
            LinkError: no reply, or none that can be trusted; the link is out of step.
        """
        self._begin()
        sequence = self._next()
        try:
            reply, reason = self._round_trip(request, sequence, count)
        except LinkError as error:
            kind = LinkTimeoutError if isinstance(error, LinkTimeoutError) else LinkError
            raise kind(
                f"{error} (request {sequence}, {request.opcode.name}, {count} results)"
            ) from error
        self._out_of_step = False
        if reply.status:
            said = self._refused(reply.status, reason)
            kind = LimitError if reply.status == Status.DATA_OUT_OF_RANGE else InstrumentError
            raise kind(f"{self._name}: the chip refused {request.opcode.name}: {said}")
        return reply.results

    @abstractmethod
    def _round_trip(self, request: Request, sequence: int, count: int) -> tuple[Reply, str]:
        """The reply that fits, and what it says in words; LinkError where there is none."""

    @abstractmethod
    def _refused(self, status: int, reason: str) -> str:
        """What the chip says about a request that it refused."""

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        return self._sequence

    def _begin(self) -> None:
        if self._out_of_step:
            raise LinkError(
                f"{self._name}: an earlier exchange failed, so the next reply could be that of "
                "another request; open the chip again to go on"
            )
        self._out_of_step = True
