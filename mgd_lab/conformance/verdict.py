"""What a check says of a chip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "not_applicable"]
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """A check's answer: in one word, in one sentence, in numbers."""

    status: Status
    reason: str
    figures: Figures = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class CheckResult:
    """One line of the report.

    Attributes:
        name: of the check, with the rung in brackets where it was done on each rung.
        about: what the check demands of a chip.
        status: `passed`, `failed`, or `not_applicable` with the reason.
        reason: what was found.
        figures: what was measured, by name, with the unit in the name.
    """

    name: str
    about: str
    status: Status
    reason: str
    figures: Figures

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the chip."""
        return self.status != "failed"

    def as_mapping(self) -> dict[str, Any]:
        """A mapping that JSON can hold."""
        figures = {
            key: value if math.isfinite(value) else None for key, value in self.figures.items()
        }
        return {
            "name": self.name,
            "about": self.about,
            "status": self.status,
            "reason": self.reason,
            "figures": figures,
        }


def passed(reason: str, **figures: float) -> Verdict:
    """The chip does what is demanded."""
    return Verdict("passed", reason, figures)


def failed(reason: str, **figures: float) -> Verdict:
    """It does not."""
    return Verdict("failed", reason, figures)


def not_applicable(reason: str) -> Verdict:
    """The question does not arise, or cannot be answered, on this chip."""
    return Verdict("not_applicable", reason)
