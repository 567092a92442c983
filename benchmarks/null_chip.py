"""A chip that computes nothing, so that what is measured is the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, ParameterGroup, ProbeProgram
from mgd_lab.costs import CostFunction

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class NullChip:
    """Every cost is 0.1."""

    def __init__(self, parameters: int) -> None:
        self.description = ChipDescription(
            name="null chip",
            groups=(ParameterGroup("parameters", parameters),),
            inputs=2,
            outputs=1,
            sample_memory=65536,
            largest_block=65536,
            rungs=("dense", "signs", "generated"),
            simulated=True,
        )
        self.identity: Mapping[str, str] = {}
        self._register = np.zeros(parameters)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def write_parameters(self, values: Float64) -> None:
        """Kept, so that it reads back."""
        self._register = values.copy()

    def read_parameters(self) -> Float64:
        """As written."""
        return self._register

    def set_cost(self, cost: CostFunction) -> None:
        """Nothing."""

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:  # noqa: ARG002
        """The same for all: 0.1 has no zero bytes, as measured costs have few."""
        return np.full(len(inputs), 0.1)

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """Nothing."""

    def set_amplitudes(self, amplitudes: Float32) -> None:
        """Nothing."""

    def measure_dense(self, theta: Float32, samples: Any, perturbations: Float32) -> Float64:  # noqa: ARG002
        """The same for all: 0.1 has no zero bytes, as measured costs have few."""
        return np.full(len(samples), 0.1)

    def measure_signs(self, theta: Float32, samples: Any, signs: Any, packed_codes: Any) -> Float64:  # noqa: ARG002
        """The same for all: 0.1 has no zero bytes, as measured costs have few."""
        return np.full(len(samples), 0.1)

    def configure_probes(self, program: ProbeProgram) -> None:
        """Nothing."""

    def measure_generated(self, theta: Float32, first_step: int, skip: int, count: int) -> Float64:  # noqa: ARG002
        """The same for all: 0.1 has no zero bytes, as measured costs have few."""
        return np.full(count, 0.1)
