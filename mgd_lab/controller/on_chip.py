"""Rung `learns`: the chip trains itself, and the host looks on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    SNAPSHOT_PROJECTED,
    SNAPSHOT_UPDATE_DUE,
    LearningProgram,
    Learns,
)
from mgd_lab.controller.chunks import Chunk
from mgd_lab.controller.envelope import Envelope
from mgd_lab.controller.state import TrainingState
from mgd_lab.errors import LimitError

Float64 = NDArray[np.float64]


class OnChipLearner:
    """Asks the chip to go on, and takes over its parameters.

    The chip returns no costs, so that the log holds evaluations and parameters only.
    """

    def __init__(self, chip: Learns, program: LearningProgram, envelope: Envelope) -> None:
        self._chip = chip
        self._program = program
        self._window = program.probes.tau_theta
        self._envelope = envelope
        self._told = False

    @property
    def window(self) -> int:
        """τ_θ."""
        return self._window

    def span(self, state: TrainingState, most: int) -> int:  # noqa: ARG002 (windows do not matter)
        """As far as it may go."""
        return most

    def advance(self, state: TrainingState, chunk: Chunk, first: int, stop: int) -> int:
        """Steps `first` … `stop − 1` of the chunk, over any number of windows."""
        if not self._told:
            self._chip.configure_learning(self._program, state.theta)
            if state.chip_snapshot is not None:
                self._chip.restore(state.chip_snapshot)
            self._told = True
        try:
            self._chip.advance(chunk.plan.first_step + stop)
        except LimitError:
            # The chip stopped where its update was refused: so far it has come.
            self._take(state, chunk, first)
            raise
        self._take(state, chunk, first)
        return stop - first

    def _take(self, state: TrainingState, chunk: Chunk, first: int) -> None:
        """What the chip has done since the step `first` of the chunk, from its snapshot."""
        snapshot = self._chip.snapshot()
        parameters = len(state.theta)
        admitted = self._envelope.admit(snapshot[SNAPSHOT_HEAD : SNAPSHOT_HEAD + parameters])
        state.theta, state.sent = admitted.theta, admitted.sent
        state.projected += admitted.projected + _projected(snapshot)
        if state.chip_snapshot is not None:
            state.projected -= _projected(state.chip_snapshot)
        state.chip_snapshot = snapshot
        done = int(snapshot[0]) - state.steps
        state.steps += done
        state.probes += chunk.starts[first + done] - chunk.starts[first]
        state.updates = state.steps // self._window - int(snapshot[SNAPSHOT_UPDATE_DUE])

    def settle(self, state: TrainingState) -> None:
        """The chip's own business."""

    def measure_baseline(self, state: TrainingState, chunk: Chunk) -> None:
        """The chip holds its own."""

    def forget_chip(self) -> None:
        """It is told everything again, with its snapshot, before it goes on."""
        self._told = False


def _projected(snapshot: Float64) -> int:
    return int(snapshot[SNAPSHOT_PROJECTED])
