"""A chip emulated in the process: it has every capability that a chip of ours can have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, LearningProgram, ProbeProgram
from mgd_lab.codes import SignTable, unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError
from mgd_lab.experiment.chip_settings import ChipDriver, ChipSettings, Limits
from mgd_lab.experiment.emulation import EmulationSettings
from mgd_lab.experiment.limits import narrowed
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.on_chip_learning import OnChipLearning
from sim_instruments.probe_generator import Generated, ProbeGenerator

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SAMPLE_MEMORY = 2**32 - 1
_LARGEST_BLOCK = 4096
# Parameters of probes computed together: they stay in the processor's cache.
_CACHED_NUMBERS = 65536
# Below so many probes, building a table takes longer than it saves.
_FEW = 64


class EmulatedChip:
    """Holds θ, a sample memory and a cost function, and computes what a probe costs.

    θ and θ̃ come as float32 and are added in float64; where parameters come as one register they
    are float64 already.
    """

    def __init__(
        self,
        network: MultilayerPerceptron,
        *,
        name: str = "",
        latency_seconds: float = 0.0,
        limits: Limits | None = None,
    ) -> None:
        self._network = network
        self._latency = latency_seconds
        own = ChipDescription(
            name=name or "emulated chip",
            groups=network.groups,
            inputs=network.layers[0],
            outputs=network.layers[-1],
            output_kind="probabilities" if network.output_activation == "softmax" else "values",
            sample_memory=_SAMPLE_MEMORY,
            largest_block=_LARGEST_BLOCK,
            exchange_seconds=latency_seconds,
            simulated=True,
        )
        self._description = narrowed(own, limits or Limits())
        self._register = self._description.safe.copy()
        self._amplitudes: Float64 | None = None
        self._look_up: SignTable | None = None
        self._generator: ProbeGenerator | None = None
        self._learning: OnChipLearning | None = None
        self._cost: CostFunction | None = None
        self._inputs = np.empty((0, self._description.inputs))
        self._targets = np.empty((0, self._description.outputs), np.float32)

    @property
    def description(self) -> ChipDescription:
        """P, groups, widths."""
        return self._description

    @property
    def identity(self) -> Mapping[str, str]:
        """No instrument answers; the network is named instead."""
        shape = "-".join(str(width) for width in self._network.layers)
        return {
            "manufacturer": "MGD Lab",
            "model": f"emulated chip {shape}",
            "serial": "",
            "firmware": "",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.write_parameters(self._description.safe)

    def write_parameters(self, values: Float64) -> None:
        """values (P,)."""
        self._wait()
        self._register = self._checked(values, (self._description.parameters,), "parameters").copy()

    def read_parameters(self) -> Float64:
        """The register as last written, (P,)."""
        self._wait()
        return self._register.copy()

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        self.write_parameters(parameters)
        self._checked(inputs, (len(inputs), self._description.inputs), "inputs")
        with np.errstate(all="ignore"):
            return self._network.forward(self._register[None], inputs.astype(np.float64))

    def set_cost(self, cost: CostFunction) -> None:
        """What `costs` and blocks of probes compute."""
        self._cost = cost

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        self._checked(targets, (len(inputs), self._description.outputs), "targets")
        outputs = self.outputs(parameters, inputs)
        with np.errstate(all="ignore"):
            return self._cost_of(outputs, targets)

    def load_samples(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._checked(inputs, (len(inputs), self._description.inputs), "inputs")
        self._checked(targets, (len(inputs), self._description.outputs), "targets")
        self._inputs = inputs.astype(np.float64)
        self._targets = targets.copy()

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        self._checked(perturbations, (len(samples), self._description.parameters), "perturbations")
        self._load_register(theta)
        return self._measure(samples, perturbations.astype(np.float64))

    def set_amplitudes(self, amplitudes: Float32) -> None:
        """amplitudes (P,) of the packed codes."""
        shape = (self._description.parameters,)
        checked = self._checked(amplitudes, shape, "amplitudes")
        self._amplitudes, self._look_up = checked.astype(np.float64), SignTable(checked)

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        """theta (P,), samples (n,), signs (n,), packed_codes (n, ⌈P/8⌉) → costs (n,)."""
        if self._amplitudes is None or self._look_up is None:
            raise ChipError(f"{self._description.name}: codes came before their amplitudes")
        parameters = self._description.parameters
        self._checked(packed_codes, (len(samples), -(-parameters // 8)), "packed codes")
        self._checked(signs, (len(samples),), "signs")
        self._load_register(theta)
        if len(samples) <= _FEW:
            perturbations = unpack_signs(packed_codes, parameters) * self._amplitudes
            perturbations *= signs[:, None]
            return self._measure(samples, perturbations)
        return self._measure_many(self._look_up, samples, signs, packed_codes)

    def configure_probes(self, program: ProbeProgram) -> None:
        """What `measure_generated` makes its probes from."""
        self.set_amplitudes(program.amplitudes)
        if program.samples > len(self._inputs):
            raise ChipError(
                f"{self._description.name}: the program draws from {program.samples} samples; "
                f"the sample memory holds {len(self._inputs)}"
            )
        self._generator = ProbeGenerator(program)

    def measure_generated(self, theta: Float32, first_step: int, skip: int, count: int) -> Float64:
        """theta (P,) → costs (count,) of the probes from place `skip` of step `first_step`."""
        return self._measure_probes(
            theta, self._the_generator().neighbouring(first_step, skip, count)
        )

    def configure_learning(self, program: LearningProgram, theta: Float64) -> None:
        """Step 0 of a training that the chip does itself, from θ float64 (P,)."""
        self.configure_probes(program.probes)
        self._checked(theta, self._register.shape, "theta")
        self._learning = OnChipLearning(program, theta, self._measure_probes)

    def advance(self, step: int) -> None:
        """Trains until `step` steps have been done."""
        self._the_learning().advance(step)

    def snapshot(self) -> Float64:
        """State of the training, float64."""
        return self._the_learning().snapshot()

    def restore(self, snapshot: Float64) -> None:
        """Takes a snapshot back; the program must be the same."""
        self._the_learning().restore(snapshot)

    def _the_learning(self) -> OnChipLearning:
        if self._learning is None:
            raise ChipError(
                f"{self._description.name}: it was asked to learn before being told what"
            )
        return self._learning

    def _measure_probes(self, theta: Float32, asked: Generated) -> Float64:
        probes = asked.probes
        if asked.packed is not None:
            return self.measure_signs(theta, probes.samples, probes.signs, asked.packed)
        perturbations = self._the_generator().perturbations(probes)
        return self.measure_dense(theta, probes.samples, perturbations)

    def _the_generator(self) -> ProbeGenerator:
        if self._generator is None:
            raise ChipError(f"{self._description.name}: probes were asked for before their program")
        return self._generator

    def _measure_many(
        self,
        look_up: SignTable,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed: NDArray[np.uint8],
    ) -> Float64:
        """The same with θ + θ̃ looked up a byte at a time, and one θ for all baselines."""
        table = look_up.table(self._register)
        baselines, perturbed = np.flatnonzero(signs == 0), np.flatnonzero(signs)
        costs = np.empty(len(samples))
        costs[baselines] = self._present(self._register[None], samples.take(baselines))
        # The negative of a code has all its bits inverted.
        inverted = np.where(signs < 0, np.uint8(255), np.uint8(0))
        at_once = max(1, _CACHED_NUMBERS // len(self._register))
        for first in range(0, len(perturbed), at_once):
            probes = perturbed[first : first + at_once]
            codes = packed.take(probes, axis=0)
            codes ^= inverted.take(probes)[:, None]
            costs[probes] = self._present(look_up.expand(table, codes), samples.take(probes))
        return costs

    def _load_register(self, theta: Float32) -> None:
        self._wait()
        self._register = self._checked(theta, self._register.shape, "theta").astype(np.float64)

    def _measure(self, samples: NDArray[np.uint32], perturbations: Float64) -> Float64:
        """`perturbations` (n, P), signed, are overwritten."""
        perturbations += self._register
        return self._present(perturbations, samples)

    def _present(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P), or (1, P) for all, samples (n,) → costs (n,)."""
        if samples.dtype.kind != "u":
            raise ChipError(f"{self._description.name}: samples are {samples.dtype}, not unsigned")
        try:
            inputs, targets = (
                self._inputs.take(samples, axis=0),
                self._targets.take(samples, axis=0),
            )
        except IndexError as error:
            raise ChipError(
                f"{self._description.name}: sample {int(samples.max())} was asked for; "
                f"the sample memory holds {len(self._inputs)}"
            ) from error
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            return self._cost_of(self._network.forward(parameters, inputs), targets)

    def _cost_of(self, outputs: Float64, targets: Float32) -> Float64:
        if self._cost is None:
            raise ChipError(f"{self._description.name}: a cost was asked for before it was set")
        return self._cost(outputs, targets)

    def _checked(self, values: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
        if values.shape != shape:
            raise ChipError(
                f"{self._description.name}: {what} have shape {values.shape}, expected {shape}"
            )
        return values

    def _wait(self) -> None:
        if self._latency:
            time.sleep(self._latency)


class EmulatedSettings(ChipSettings, EmulationSettings):
    """Chip file of the driver `emulated`."""


def emulated_chip(
    settings: EmulationSettings, name: str = "", limits: Limits | None = None
) -> EmulatedChip:
    """The chip that an emulation's keys describe."""
    network = MultilayerPerceptron(
        settings.network.layers, settings.network.activation, settings.network.output_activation
    )
    return EmulatedChip(network, name=name, latency_seconds=settings.latency_seconds, limits=limits)


def _build(settings: EmulatedSettings, visa_library: Any) -> EmulatedChip:  # noqa: ARG001 (no VISA)
    return emulated_chip(settings, settings.name, settings.limits)


DRIVER = ChipDriver(settings=EmulatedSettings, build=_build)
