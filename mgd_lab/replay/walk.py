"""Through a log from its first step to its last, comparing on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller import Chunk, TrainingState
from mgd_lab.errors import LimitError, RunStoreError
from mgd_lab.replay.comparison import same_bits, told_difference
from mgd_lab.replay.consistency import impossible_steps
from mgd_lab.replay.exploring import Explorer
from mgd_lab.replay.recording import Recording
from mgd_lab.replay.report import Difference, What
from mgd_lab.replay.snapshots import Snapshot, Snapshots
from mgd_lab.replay.trajectory import Trajectory, copied, trajectory
from mgd_lab.run_store import Costs, Run

Float64 = NDArray[np.float64]


_NEVER = 1 << 62


class Walk:
    """The replay itself; `differences` holds the first of each kind.

    Attributes:
        part: number of the recording's part that the state lies in.
        agreed: the state at the last snapshot that agrees.
        disagreed: the first snapshot that does not.
        agreeing: number of snapshots that agree; `rejoined` where one of them comes later.
    """

    def __init__(
        self,
        recording: Recording,
        state: TrainingState,
        snapshots: Snapshots,
        explorer: Explorer | None,
        observe: Callable[[int], None],
    ) -> None:
        self._recording = recording
        self._snapshots = snapshots
        self._explorer = explorer
        self._observe = observe
        self._trajectory: Trajectory = self._begin(0, state)
        self._refusal = ""
        self._best: dict[int, Float64] = {}
        self._wanted = frozenset(recording.best_steps.values())
        self._again = dict(recording.baselines_again)
        self.part = 0
        self.differences: dict[What, Difference] = {}
        self.agreed = copied(state)
        self.agreed_part = 0
        self.disagreed: Snapshot | None = None
        self.agreeing = 0
        self.rejoined = False

    @property
    def state(self) -> TrainingState:
        """Where the walk is."""
        return self._trajectory.state

    def note(self, difference: Difference) -> None:
        """Keeps the first of its kind."""
        self.differences.setdefault(difference.what, difference)

    def through(self, run: Run) -> bool:
        """All steps; False where the log does not say how to go on, which is then noted."""
        try:
            self._arrive()
            for costs in run.cost_chunks(verify=False):
                if not self._take(costs):
                    return False
                self._observe(self.state.steps)
            self._go_on()
        except RunStoreError as error:
            steps = self.state.steps
            self.note(Difference("damage", steps, steps, str(error)))
            return False
        return True

    def _take(self, costs: Costs) -> bool:
        """Steps as they were read, cut where something happened between two of them."""
        n, total = 0, len(costs.step)
        while n < total:
            self._go_on()
            state = self.state
            if int(costs.step[n]) != state.steps:
                self._note_missing(int(costs.step[n]))
                return False
            most = min(self._recording.source.most_steps(), total - n)
            most = min(most, self._next_part() - state.steps, self._next_again() - state.steps)
            gaps = np.flatnonzero(np.diff(costs.step[n : n + most]) != 1)
            count = int(gaps[0]) + 1 if len(gaps) else most
            own = _between(costs, n, n + count)
            if not self._steps(self._recording.source.chunk(state.steps, count), own):
                return False
            n += count
        return True

    def _steps(self, chunk: Chunk, costs: Costs) -> bool:
        kind = self._recording.source.schedule.baseline
        for difference in impossible_steps(chunk, costs, kind, self.state.baseline):
            self.note(difference)
        own, explorer, count, n = self._trajectory, self._explorer, chunk.plan.count, 0
        while n < count:
            if self._refusal:
                self._note_refusal()
                return False
            stop = n + own.span(min(count - n, self._until_snapshot()))
            if explorer is not None:
                stop = n + explorer.span(stop - n)
                explorer.advance(chunk, n, stop, costs.cost, costs.baseline)
            try:
                own.advance(chunk, n, stop, costs.cost, costs.baseline)
            except LimitError as error:
                self._refusal = str(error)
            if kind == "measured":
                own.state.baseline = float(costs.baseline[stop - 1])
            n = stop
            self._arrive()
        return True

    def _arrive(self) -> None:
        """What is recorded after exactly so many steps."""
        state = self.state
        if self._explorer is not None:
            self._explorer.watch(state.theta)
        if state.steps in self._wanted:
            self._best[state.steps] = state.theta
        while self._snapshots.next_step <= state.steps:
            snapshot = self._snapshots.next
            if snapshot is None or (
                snapshot.update > state.updates and self._next_part() == state.steps
            ):
                # Kept after the run was resumed, which comes next.
                return
            self._snapshots.take()
            self._compare(snapshot)

    def _compare(self, snapshot: Snapshot) -> None:
        state = self.state
        best = self._best.get(self._recording.best_steps.get(snapshot.step, -1))
        if self._explorer is not None:
            self._explorer.tell(state.theta)
        right = (snapshot.step, snapshot.update) == (state.steps, state.updates)
        if right and (
            same_bits(snapshot.theta, state.theta)
            or (best is not None and same_bits(snapshot.theta, best))
        ):
            self.agreeing += 1
            if self.disagreed is None:
                self.agreed, self.agreed_part = copied(state), self.part
            self.rejoined = self.disagreed is not None
            return
        if self.disagreed is None:
            self.disagreed = snapshot
            self.note(self._told(snapshot))

    def _told(self, snapshot: Snapshot) -> Difference:
        state, names = self.state, self._recording.names
        if (snapshot.step, snapshot.update) != (state.steps, state.updates):
            found = (
                f"it counts {snapshot.update:,} updates after {snapshot.step:,} steps, the replay "
                f"{state.updates:,} after {state.steps:,}"
            )
        elif len(snapshot.theta) != len(state.theta):
            found = f"it holds {len(snapshot.theta)} parameters, the chip has {len(state.theta)}"
        else:
            found = told_difference(snapshot.theta, state.theta, names)
        return Difference(
            "parameters",
            min(self.agreed.steps, max(0, snapshot.step - 1)),
            max(0, snapshot.step - 1),
            f"the snapshot after step {snapshot.step:,} is not reproduced: {found}",
        )

    def _go_on(self) -> None:
        """Resumptions of the run after so many steps, in their order."""
        state = self.state
        while self._next_part() == state.steps:
            self.part += 1
            part = self._recording.parts[self.part]
            self._trajectory = self._begin(self.part, state)
            if self._explorer is not None:
                self._explorer.begin_part(self.part)
            self._refusal = ""
            try:
                admitted = part.envelope.admit(state.theta, state.updates)
                state.theta, state.sent = admitted.theta, admitted.sent
                state.projected += admitted.projected
                self._trajectory.settle()
            except LimitError as error:
                self._refusal = str(error)
            self._arrive()
        if self._next_again() == state.steps:
            state.baseline = self._again.pop(state.steps)

    def _note_refusal(self) -> None:
        last = max(0, self.state.steps - 1)
        self.note(
            Difference(
                "update",
                min(self.agreed.steps, last),
                last,
                f"the run went on after step {self.state.steps:,}, and the replay's update there "
                f"is refused: {self._refusal}",
            )
        )

    def _note_missing(self, found: int) -> None:
        steps = self.state.steps
        first, last = sorted((steps, found))
        self.note(
            Difference(
                "steps",
                first,
                last - 1,
                f"after step {steps:,} the log goes on with step {found:,}: "
                f"{last - first:,} steps are {'missing' if found > steps else 'there twice'}",
            )
        )

    def begin_again(self, state: TrainingState) -> Trajectory:
        """A trajectory from the last snapshot that agrees."""
        return self._begin(self.agreed_part, state)

    def _begin(self, number: int, state: TrainingState) -> Trajectory:
        part = self._recording.parts[number]
        return trajectory(part.experiment, part.envelope, self._recording.amplitudes, state)

    def _until_snapshot(self) -> int:
        return max(1, self._snapshots.next_step - self.state.steps)

    def _next_part(self) -> int:
        parts = self._recording.parts
        return parts[self.part + 1].first_step if self.part + 1 < len(parts) else _NEVER

    def _next_again(self) -> int:
        return min(self._again, default=_NEVER)


def _between(costs: Costs, first: int, stop: int) -> Costs:
    step, sample, cost, baseline = costs
    span = slice(first, stop)
    return Costs(step[span], sample[span], cost[span], baseline[span])
