"""The gate of each capability: what is judged before it is forwarded.

A capability without a class here is one that a gated chip does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import (
    GeneratesProbes,
    HashesSamples,
    HoldsLimits,
    HoldsParameters,
    HoldsSamples,
    LearningProgram,
    Learns,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    NodeLayer,
    PerturbsNodes,
    ProbeProgram,
    Recovery,
    ReportsRecoveries,
    ReportsTelemetry,
    SwitchesOutputs,
    TakesAnyCost,
    WatchesHost,
)
from mgd_lab.controller.gate_chip import GatedChip
from mgd_lab.costs import CostFunction

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class _Recoveries(GatedChip):
    def take_recoveries(self) -> Sequence[Recovery]:
        return self._chip.take_recoveries()


class _Parameters(GatedChip):
    def write_parameters(self, values: Float64) -> None:
        self._judge.registers(values)
        if self._motion is None:
            self._chip.write_parameters(values)
            return
        with self._motion.towards(values):
            self._chip.write_parameters(values)

    def read_parameters(self) -> Float64:
        return self._chip.read_parameters()


class _Outputs(GatedChip):
    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        self._judge.registers(parameters)
        self._judge.inputs(inputs)
        if self._motion is None:
            return self._chip.outputs(parameters, inputs)
        with self._motion.towards(parameters):
            return self._chip.outputs(parameters, inputs)


class _Cost(GatedChip):
    def set_cost(self, cost: CostFunction) -> None:
        self._chip.set_cost(cost)

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        self._judge.registers(parameters)
        self._judge.inputs(inputs)
        if self._motion is None:
            return self._chip.costs(parameters, inputs, targets)
        with self._motion.towards(parameters):
            return self._chip.costs(parameters, inputs, targets)


class _AnyCost(GatedChip):
    def takes_any_cost(self) -> bool:
        return self._chip.takes_any_cost()


class _Samples(GatedChip):
    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        self._judge.inputs(inputs)
        self._chip.load_samples(inputs, targets)


class _SamplesHash(GatedChip):
    def samples_hash(self) -> int:
        return self._chip.samples_hash()


class _Dense(GatedChip):
    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        self._judge.dense(theta, perturbations)
        if self._motion is None:
            return self._chip.measure_dense(theta, samples, perturbations)
        swing = np.abs(perturbations).max(axis=0, initial=0.0).astype(np.float64)
        with self._motion.towards(theta, swing):
            return self._chip.measure_dense(theta, samples, perturbations)


class _Signs(GatedChip):
    _has_amplitudes = False

    def set_amplitudes(self, amplitudes: Float32) -> None:
        self._judge.told_amplitudes(amplitudes)
        self._chip.set_amplitudes(amplitudes)
        self._has_amplitudes = True

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        if not self._has_amplitudes:
            raise self._untold("set_amplitudes")
        self._judge.perturbed(theta)
        self._judge.signs(signs)
        if self._motion is None:
            return self._chip.measure_signs(theta, samples, signs, packed_codes)
        with self._motion.towards(theta, self._judge.reach):
            return self._chip.measure_signs(theta, samples, signs, packed_codes)


class _Generated(GatedChip):
    _has_program = False

    def configure_probes(self, program: ProbeProgram) -> None:
        self._judge.told_amplitudes(program.amplitudes)
        self._chip.configure_probes(program)
        self._has_program = True

    def measure_generated(self, theta: Float32, first_step: int, skip: int, count: int) -> Float64:
        if not self._has_program:
            raise self._untold("configure_probes")
        self._judge.perturbed(theta)
        if self._motion is None:
            return self._chip.measure_generated(theta, first_step, skip, count)
        with self._motion.towards(theta, self._judge.reach):
            return self._chip.measure_generated(theta, first_step, skip, count)


class _Learns(GatedChip):
    _window = 0
    _updates = 0

    def configure_learning(self, program: LearningProgram, theta: Float64) -> None:
        self._judge.learning(program, theta)
        if self._motion is not None:
            self._motion.refuse_moves_of_its_own()
        self._budget.spend(1)
        self._chip.configure_learning(program, theta)
        # Every step is an update of the analog algorithm.
        self._window = 1 if program.algorithm == "analog" else program.probes.tau_theta
        self._updates = 0

    def advance(self, step: int) -> None:
        if not self._window:
            raise self._untold("configure_learning")
        updates = step // self._window
        self._budget.spend(max(0, updates - self._updates))
        self._chip.advance(step)
        self._updates = updates

    def snapshot(self) -> Float64:
        return self._chip.snapshot()

    def restore(self, snapshot: Float64) -> None:
        if not self._window:
            raise self._untold("configure_learning")
        self._judge.snapshot(snapshot)
        self._chip.restore(snapshot)
        self._updates = int(snapshot[0]) // self._window


class _Nodes(GatedChip):
    def node_layers(self) -> tuple[NodeLayer, ...]:
        return self._chip.node_layers()

    def measure_nodes(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        perturbations: Float32,
        reads: NDArray[np.bool_],
    ) -> tuple[Float64, Float64]:
        self._judge.nodes(theta, perturbations)
        if self._motion is None:
            return self._chip.measure_nodes(theta, samples, perturbations, reads)
        with self._motion.towards(theta):
            return self._chip.measure_nodes(theta, samples, perturbations, reads)


class _Limits(GatedChip):
    def write_limits(self, low: Float64, high: Float64) -> None:
        self._judge.limits(low, high)
        self._chip.write_limits(low, high)

    def read_limits(self) -> tuple[Float64, Float64]:
        return self._chip.read_limits()


class _Switch(GatedChip):
    def switch_outputs(self, on: bool) -> None:
        self._chip.switch_outputs(on)
        if self._motion is not None:
            self._motion.forget()

    def outputs_are_on(self) -> bool:
        return self._chip.outputs_are_on()


class _Watchdog(GatedChip):
    def watch_host(self, seconds: float) -> None:
        self._chip.watch_host(seconds)


class _Telemetry(GatedChip):
    def read_telemetry(self) -> Float64:
        return self._chip.read_telemetry()


GATES: Mapping[type, type[GatedChip]] = {
    HoldsParameters: _Parameters,
    MeasuresOutputs: _Outputs,
    MeasuresCost: _Cost,
    TakesAnyCost: _AnyCost,
    HoldsSamples: _Samples,
    HashesSamples: _SamplesHash,
    MeasuresDense: _Dense,
    MeasuresSigns: _Signs,
    GeneratesProbes: _Generated,
    Learns: _Learns,
    PerturbsNodes: _Nodes,
    HoldsLimits: _Limits,
    SwitchesOutputs: _Switch,
    WatchesHost: _Watchdog,
    ReportsTelemetry: _Telemetry,
    ReportsRecoveries: _Recoveries,
}
"""Each capability with what stands before it."""
