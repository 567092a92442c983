"""How long a reference trains, and how often it is evaluated."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import Reference

_DEFAULT_BATCH = 64
_DEFAULT_EPOCHS = 20
_LEAST_UPDATES = 2000
_MOST_EVALUATIONS = 200


@dataclass(frozen=True)
class Plan:
    """Numbers that the experiment file may leave open.

    Attributes:
        samples: of the training split.
        batch: samples an update.
        steps: updates at most.
        evaluate_every: updates between evaluations.
    """

    samples: int
    batch: int
    steps: int
    evaluate_every: int


def plan_of(asked: Reference, samples: int) -> Plan:
    """ConfigurationError where a batch would be more than the training split of `samples`."""
    batch = asked.batch_size or min(_DEFAULT_BATCH, samples)
    if batch > samples:
        raise ConfigurationError(
            f"reference.batch_size: {batch} is more than the {samples} samples of the training "
            "split; lower it"
        )
    epoch = -(-samples // batch)
    limits = [math.ceil(asked.epochs * samples / batch)] if asked.epochs is not None else []
    limits += [asked.steps] if asked.steps is not None else []
    steps = max(1, min(limits, default=max(_DEFAULT_EPOCHS * epoch, _LEAST_UPDATES)))
    every = asked.evaluate_every_steps or max(epoch, -(-steps // _MOST_EVALUATIONS))
    return Plan(samples, batch, steps, every)
