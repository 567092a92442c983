"""What a chip can do, as protocols of one or two methods.

A chip has a `description`, is opened by `with` (which connects; leaving it makes the chip safe,
on errors too) and implements those of the capabilities below that its hardware has. Nothing
here does I/O; constructors of chips do none either.

Arrays are C-contiguous: θ as sent float32 (P,), inputs and targets float32, outputs and costs
float64. P is the number of parameters, I of inputs, O of outputs, n of probes in the call.
Every method may raise `ChipError`; none returns part of what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip.description import ChipDescription
from mgd_lab.chip.nodes import NodeLayer
from mgd_lab.chip.programs import LearningProgram, ProbeProgram
from mgd_lab.costs import CostFunction

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@runtime_checkable
class Chip(Protocol):
    """What every chip has.

    The description may be read only inside `with`: a driver learns it when it connects.
    """

    @property
    def description(self) -> ChipDescription: ...

    @property
    def identity(self) -> Mapping[str, str]:
        """What answers: manufacturer, model, serial, firmware, resource; for the run's record."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class HoldsParameters(Protocol):
    """A chip with a register for each parameter, written and read in float64, shape (P,)."""

    def write_parameters(self, values: Float64) -> None: ...

    def read_parameters(self) -> Float64: ...


@runtime_checkable
class MeasuresOutputs(Protocol):
    """Rung `forward`: parameters are set, inputs presented one after another, outputs returned."""

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        ...


@runtime_checkable
class MeasuresCost(Protocol):
    """Rung `cost`: the chip computes the cost function that it was told."""

    def set_cost(self, cost: CostFunction) -> None: ...

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        ...


@runtime_checkable
class TakesAnyCost(Protocol):
    """A chip in the host's own process: its cost may be a function of the user's own."""

    def takes_any_cost(self) -> bool: ...


@runtime_checkable
class HoldsSamples(Protocol):
    """A chip with sample memory; blocks of probes name samples by their place in it."""

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O); N at most `description.sample_memory`."""
        ...


@runtime_checkable
class HashesSamples(Protocol):
    """Feature `samples_hash`: the chip tells what its sample memory holds."""

    def samples_hash(self) -> int:
        """CRC-32 (zlib) of all inputs, float32 (N, I), then all targets, float32 (N, O).

        Little-endian, row after row; made from the memory itself, not from what was received.
        """
        ...


@runtime_checkable
class MeasuresDense(Protocol):
    """Rung `dense`: a block of probes, each with its own perturbation, signed, in float32."""

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        ...


@runtime_checkable
class MeasuresSigns(Protocol):
    """Rung `signs`: the same with codes of ±1 packed into bits.

    Bit i (from the least significant) of byte j belongs to parameter 8 j + i; 1 is +1, 0 is −1;
    bits beyond P are 0. θ̃ = sign × code × amplitude; a sign of 0 is a baseline, whose bits are
    not looked at.
    """

    def set_amplitudes(self, amplitudes: Float32) -> None: ...

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        """theta (P,), samples (n,), signs (n,), packed_codes (n, ⌈P/8⌉) → costs (n,)."""
        ...


@runtime_checkable
class GeneratesProbes(Protocol):
    """Rung `generated`: the chip makes codes, samples and signs itself from a program."""

    def configure_probes(self, program: ProbeProgram) -> None: ...

    def measure_generated(self, theta: Float32, first_step: int, skip: int, count: int) -> Float64:
        """theta (P,) → costs (count,) of neighbouring probes.

        The first of them is probe `skip` of step `first_step`, in the order of `ProbeProgram`'s
        schedule (see docs/algorithm.md).
        """
        ...


@runtime_checkable
class Learns(Protocol):
    """Rung `learns`: the chip runs the whole training by itself.

    `advance` names the step to reach, so that asking twice is harmless. A snapshot is float64,
    (`snapshot_length(P)`,): all that the next step depends on.
    """

    def configure_learning(self, program: LearningProgram, theta: Float64) -> None:
        """Step 0, with θ float64 (P,)."""
        ...

    def advance(self, step: int) -> None:
        """Goes on until `step` steps have been done; ChipError where more have been already."""
        ...

    def snapshot(self) -> Float64: ...

    def restore(self, snapshot: Float64) -> None: ...


@runtime_checkable
class PerturbsNodes(Protocol):
    """Node perturbation: what is added stands in the pre-activations, and θ stays as it is.

    M is the number of all nodes and K of all numbers that enter layers with parameters, layer by
    layer in the order of `node_layers`. Perturbations are in the unit of the pre-activations.
    """

    def node_layers(self) -> tuple[NodeLayer, ...]:
        """The layers; CapabilityError where its network has no nodes of this kind."""
        ...

    def measure_nodes(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        perturbations: Float32,
        reads: NDArray[np.bool_],
    ) -> tuple[Float64, Float64]:
        """theta (P,), samples (n,), perturbations (n, M), reads (n,) → costs (n,), inputs (r, K).

        One presentation each; those marked in `reads`, r of them, report what enters the layers.
        """
        ...


@runtime_checkable
class HoldsLimits(Protocol):
    """Feature `limits`: the chip keeps limits of its own and presents nothing beyond them."""

    def write_limits(self, low: Float64, high: Float64) -> None:
        """Lowest and highest θ + θ̃, (P,) each; infinite where there is none."""
        ...

    def read_limits(self) -> tuple[Float64, Float64]:
        """What the chip keeps, (P,) each."""
        ...


@runtime_checkable
class SwitchesOutputs(Protocol):
    """Feature `output_switch`: parameters reach the chip only while outputs are on.

    A chip that measures while they are off raises `ChipError`.
    """

    def switch_outputs(self, on: bool) -> None: ...

    def outputs_are_on(self) -> bool: ...


@runtime_checkable
class WatchesHost(Protocol):
    """Feature `watchdog`: safe values, outputs off, when the host is silent for too long."""

    def watch_host(self, seconds: float) -> None:
        """From now on after so many seconds without a request; 0 ends it.

        Until then the driver, from a thread of its own, lets the chip know that the host lives.
        """
        ...


@runtime_checkable
class ReportsTelemetry(Protocol):
    """Readings of the channels that `description.telemetry` names."""

    def read_telemetry(self) -> Float64:
        """One reading a channel, float64 (T,), NaN where a channel gives none now."""
        ...
