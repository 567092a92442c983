"""How long a reference trains where the file leaves it open."""

import pytest

from mgd_lab.experiment import Reference
from mgd_lab.reference.plan import Plan, plan_of


@pytest.mark.parametrize(
    ("asked", "samples", "expected"),
    [
        ({}, 60_000, Plan(60_000, 64, 20 * 938, 938)),
        ({}, 4, Plan(4, 4, 2000, 10)),
        ({"epochs": 2, "batch_size": 100}, 1000, Plan(1000, 100, 20, 10)),
        ({"epochs": 0.5, "batch_size": 100}, 1000, Plan(1000, 100, 5, 10)),
        ({"epochs": 2, "steps": 7, "batch_size": 100}, 1000, Plan(1000, 100, 7, 10)),
        ({"steps": 9, "evaluate_every_steps": 4}, 10, Plan(10, 10, 9, 4)),
    ],
)
def test_plan(asked, samples, expected):
    assert plan_of(Reference(**asked), samples) == expected
