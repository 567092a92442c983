"""docs/algorithm.md: its lists of probes are those of the schedule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mgd_lab.algorithm import Schedule

DOCUMENT = Path(__file__).parents[2] / "docs" / "algorithm.md"
BLOCKS = re.findall(
    r"^```probes\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
LINES = [line for block in BLOCKS for line in block.splitlines()]


def test_lists_are_there() -> None:
    assert len(LINES) == 7


@pytest.mark.parametrize("line", LINES)
def test_list_of_probes(line: str) -> None:
    arguments, answer = line.split(" -> ")
    given = dict(word.split("=") for word in arguments.split())
    steps, baseline = int(given.pop("steps")), given.pop("baseline", "measured")
    numbers = {name: int(value) for name, value in given.items()}
    schedule = Schedule(baseline=baseline, **numbers)
    plan = schedule.plan(0, steps)
    probes = [
        f"{step}/{plan.sample_rows[step] * schedule.batch + slot}/{plan.code_rows[step]}/"
        + "0+-"[sign]
        for step, slot, sign in zip(plan.probe_steps, plan.probe_slots, plan.signs, strict=True)
    ]
    assert " ".join(probes) == answer
