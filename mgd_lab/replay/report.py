"""What a replay found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

What = Literal[
    "initial", "steps", "samples", "costs", "baselines", "update", "parameters", "state", "damage"
]


@dataclass(frozen=True)
class Suspect:
    """A step that would explain a difference, had its recorded cost C been `change` more.

    Its baseline C0 less by that would do the same. `residual` is what the explanation leaves of the
    difference, as a fraction of it.
    """

    step: int
    change: float
    residual: float


@dataclass(frozen=True)
class Difference:
    """A place where the log does not agree with itself.

    Attributes:
        what: initial parameters; steps missing or too many; recorded samples, costs or baselines
            that no run can have; an update that the limits refuse; snapshots of the parameters;
            the controller's state at the last checkpoint; a part that cannot be read.
        first_step, last_step: the steps, counted from 0, that it can come from, both included.
        message: the same for people, with numbers.
        suspects: single steps that would explain it, where they can be told.
    """

    what: What
    first_step: int
    last_step: int
    message: str
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True)
class Deviation:
    """Explored parameters θ' beside the recorded θ, at one snapshot.

    Attributes:
        step: steps done.
        distance: |θ' − θ|, in the parameters' unit.
        relative: the same in sizes of a perturbation, |θ̃|.
        angle_degrees: between the explored and the applied change since the last row; NaN where
            one of them is 0.
        length_ratio: length of the explored change over that of the applied one, likewise.
    """

    step: int
    distance: float
    relative: float
    angle_degrees: float
    length_ratio: float


@dataclass(frozen=True)
class Exploration:
    """Other settings on the recorded measurements.

    Attributes:
        changes: dotted keys and their values.
        perturbation_size: root mean square of |θ̃|: so far around the recorded θ do the recorded
            costs tell anything.
        stops_at: the first step at which θ' is farther from θ than that; None: at none.
        refused: why θ' could not go on, where the limits refused it; otherwise empty.
        deviations: at the recorded snapshots, thinned where there are very many.
    """

    changes: dict[str, Any]
    perturbation_size: float
    stops_at: int | None
    refused: str
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True)
class ReplayReport:
    """What became of a replay.

    Attributes:
        steps: steps that the log holds.
        snapshots, agreeing: snapshots of the parameters in the log, and those that the replay
            gives bit for bit.
        state_agrees: the same of the controller's state at the last checkpoint.
        differences: sorted by the step before which they arose, one of each kind; empty where the
            log reproduces.
        explored: what `overrides` would have done; None without them.
        seconds: time that the replay took.
        recorded_seconds: time that the run took, None where it is not known.
        surroundings: differences of versions and machine, where something else differs too.
    """

    path: Path
    simulated: bool
    steps: int
    snapshots: int
    agreeing: int
    state_agrees: bool
    differences: tuple[Difference, ...]
    explored: Exploration | None
    seconds: float
    recorded_seconds: float | None
    surroundings: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Whether the parameters and all else that was replayed are those recorded."""
        return not self.differences

    @property
    def first_difference(self) -> Difference | None:
        """The earliest."""
        return self.differences[0] if self.differences else None

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        first = self.first_difference
        return {
            "run": str(self.path),
            "steps": self.steps,
            "snapshots": self.snapshots,
            "agreeing_snapshots": self.agreeing,
            "state_agrees": self.state_agrees,
            "reproduced": self.reproduced,
            "first_difference": None if first is None else asdict(first),
            "differences": [asdict(difference) for difference in self.differences],
            "explored": None if self.explored is None else asdict(self.explored),
            "seconds": self.seconds,
            "recorded_seconds": self.recorded_seconds,
            "surroundings": list(self.surroundings),
            "simulated": self.simulated,
        }
