"""A chip behind a link with every capability that its firmware has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.guarded_chip import GuardedChip
from drivers.measuring_chip import MeasuringChip
from mgd_lab.chip import LearningProgram, ProbeProgram, snapshot_length
from mgd_lab.wire import (
    Advance,
    ConfigureLearning,
    ConfigureProbes,
    Generated,
    Restore,
    Snapshot,
    WriteParameters,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_PLACE_BYTES = 16


class RemoteChip(MeasuringChip, GuardedChip):
    """Adds the rungs `generated` and `learns`.

    A device that was restarted while it learned is given its program and its last snapshot again,
    and learns once more what it had learnt since.
    """

    def configure_probes(self, program: ProbeProgram) -> None:
        """Tells the chip which probes `measure_generated` means."""
        self._check_sizes(program.amplitudes, 4 * self.description.parameters, "amplitudes")
        self._configure(ConfigureProbes(program), "setting up the probes")

    def measure_generated(self, theta: Float32, first_step: int, skip: int, count: int) -> Float64:
        """For theta (P,) → costs (count,), from probe `skip` of step `first_step` on."""
        n, P = self._block(count), self.description.parameters

        def measured(part: slice) -> Float64:
            first, length = skip + part.start, part.stop - part.start
            return self._measure(
                theta,
                length,
                lambda number, sent: Generated(number, sent, first_step, first, length),
            )

        return self._in_parts(n, 4 * P + _PLACE_BYTES, 8, measured)

    def configure_learning(self, program: LearningProgram, theta: Float64) -> None:
        """Step 0 of a training on the chip, with θ float64 (P,)."""
        P = self.description.parameters
        self._check_sizes(theta, 8 * P, "parameters")
        self._check_sizes(program.probes.amplitudes, 4 * P, "amplitudes")
        for edges in (program.lowest, program.highest):
            self._check_sizes(edges, 8 * P, "edges")
        self._set_up.forget(WriteParameters)
        self._forget_state()
        self._configure(ConfigureLearning(program, theta.copy()), "setting up the training")

    def advance(self, step: int) -> None:
        """Goes on until `step` steps have been done."""
        self._set_up.forget(WriteParameters)
        request = Advance(step)
        self._perform(lambda: self._link.exchange(request, 0), f"learning up to step {step}")
        self._set_up.replace(request)

    def snapshot(self) -> Float64:
        """The state of the training, (`snapshot_length(P)`,)."""
        count = snapshot_length(self.description.parameters)
        state = self._perform(lambda: self._link.exchange(Snapshot(), count), "taking a snapshot")
        self._forget_state()
        self._set_up.replace(Restore(state.copy()))
        return state

    def restore(self, snapshot: Float64) -> None:
        """Goes on from a snapshot."""
        count = snapshot_length(self.description.parameters)
        self._check_sizes(snapshot, 8 * count, "snapshot")
        self._forget_state()
        self._configure(Restore(snapshot.copy()), "restoring a snapshot")

    def _forget_state(self) -> None:
        self._set_up.forget(Restore)
        self._set_up.forget(Advance)
