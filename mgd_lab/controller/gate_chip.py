"""What every gated chip has, whatever it can do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np

from mgd_lab.chip import ChipDescription
from mgd_lab.controller.clock import Clock
from mgd_lab.controller.envelope import Envelope
from mgd_lab.controller.gate_judge import Judge
from mgd_lab.controller.gate_motion import Motion, WriteBudget
from mgd_lab.errors import LimitError


class GatedChip:
    """What every gated chip has; its capabilities are added by `gated`."""

    def __init__(
        self, chip: Any, envelope: Envelope, clock: Clock, sleep: Callable[[float], None]
    ) -> None:
        # Any: which capabilities it has is known only to the class that `gated` made for it.
        self._chip = chip
        self._envelope = envelope
        self._judge = Judge(envelope)
        self._budget = WriteBudget(envelope.description)
        self._motion: Motion | None = None
        if self._budget.most or np.any(envelope.description.slew_per_second):
            self._motion = Motion(chip, self._judge, self._budget, clock, sleep)

    @property
    def description(self) -> ChipDescription:
        """The chip's own."""
        return self._chip.description

    @property
    def identity(self) -> Mapping[str, str]:
        """The chip's own."""
        return self._chip.identity

    @property
    def envelope(self) -> Envelope:
        """What is judged by."""
        return self._envelope

    @property
    def writes(self) -> int:
        """Writes of θ so far, counted where a parameter group has a budget of them."""
        return self._budget.writes

    @writes.setter
    def writes(self, writes: int) -> None:
        self._budget.writes = writes

    @contextmanager
    def ignoring_budget(self) -> Generator[None]:
        """Inside, writes are counted and none is refused because the budget is spent."""
        with self._budget.unlimited():
            yield

    @contextmanager
    def making_safe(self) -> Generator[None]:
        """Inside, nothing but the limits themselves keeps the chip from where it is sent.

        No budget of writes does, nor a slew that cannot be kept because the chip does not tell
        where it is.
        """
        with ExitStack() as relaxed:
            relaxed.enter_context(self._budget.unlimited())
            if self._motion is not None:
                relaxed.enter_context(self._motion.making_safe())
            yield

    def __enter__(self) -> Self:
        self._chip.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._chip.__exit__(kind, error, trace)

    def _untold(self, method: str) -> LimitError:
        return LimitError(
            f"chip {self._envelope.description.name!r}: it was asked to measure before {method}, "
            "so that nobody knows what it would apply. Nothing was sent"
        )
