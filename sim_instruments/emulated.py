"""A chip emulated in the process: it has every capability that a chip of ours can have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription, LearningProgram, NodeLayer, ProbeProgram
from mgd_lab.codes import unpack_signs
from mgd_lab.errors import ChipError, ConfigurationError
from mgd_lab.experiment.chip_settings import ChipDriver, ChipSettings, Limits
from mgd_lab.experiment.emulation import EmulationSettings
from mgd_lab.experiment.imperfections import Imperfections
from mgd_lab.experiment.limits import narrowed
from sim_instruments.emulated_network import network_of, varied
from sim_instruments.engines import Engine, Network, engine_of
from sim_instruments.guarded_registers import FEATURES
from sim_instruments.learners import Bench, learner_of
from sim_instruments.on_chip_learning import OnChipLearning
from sim_instruments.perturbed_nodes import PerturbedNodes
from sim_instruments.presenting_registers import PresentingRegisters, telemetry_of
from sim_instruments.probe_generator import Generated, ProbeGenerator

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SAMPLE_MEMORY = 2**32 - 1
_LARGEST_BLOCK = 4096


class EmulatedChip(PresentingRegisters):
    """Holds θ, a sample memory and a cost function, and computes what a probe costs.

    θ and θ̃ come as float32 and are added in float64; where parameters come as one register they
    are float64 already.

    Args:
        network: what is emulated.
        engine: what computes it; in float64, compiled where Numba is installed, unless given.
        imperfections: what is wrong with it, but for its activations, which the network has.
        seed: of its randomness.
    """

    def __init__(
        self,
        network: Network,
        *,
        engine: Engine | None = None,
        name: str = "",
        latency_seconds: float = 0.0,
        limits: Limits | None = None,
        record_extremes: bool = False,
        imperfections: Imperfections | None = None,
        seed: int = 0,
    ) -> None:
        self._network = network
        self._engine = engine or engine_of(network, "auto", "float64")
        own = ChipDescription(
            name=name or "emulated chip",
            groups=network.groups,
            inputs=network.inputs,
            outputs=network.outputs,
            output_kind="probabilities" if network.gives_probabilities else "values",
            sample_memory=_SAMPLE_MEMORY,
            largest_block=_LARGEST_BLOCK,
            exchange_seconds=latency_seconds,
            features=FEATURES,
            telemetry=telemetry_of(imperfections, record_extremes=record_extremes),
            simulated=True,
        )
        super().__init__(
            narrowed(own, limits or Limits()),
            latency_seconds,
            self._engine,
            imperfections or Imperfections(),
            seed,
        )
        self._amplitudes: Float64 | None = None
        self._generator: ProbeGenerator | None = None
        self._learning: OnChipLearning | None = None

    @property
    def description(self) -> ChipDescription:
        """P, groups, widths."""
        return self._description

    @property
    def identity(self) -> Mapping[str, str]:
        """No instrument answers; the network is named instead, and what computes it."""
        return {
            "manufacturer": "MGD Lab",
            "model": f"emulated chip {self._network.title}{self._told_imperfections}",
            "serial": "",
            "firmware": self._engine.title,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait()
        self._make_safe()

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        self._stage.check_on()
        self._check_block(len(inputs))
        self._checked(inputs, (len(inputs), self._description.inputs), "inputs")
        self.write_parameters(parameters)
        self._stage.presentations += len(inputs)
        if self._path is not None:
            return self._path.outputs(inputs)
        return self._engine.outputs(self._register, inputs)

    def costs(self, parameters: Float64, inputs: Float32, targets: Float32) -> Float64:
        """parameters (P,), inputs (n, I), targets (n, O) → costs (n,)."""
        self._checked(targets, (len(inputs), self._description.outputs), "targets")
        costs = self._cost_of(self.outputs(parameters, inputs), targets)
        return costs if self._path is None else self._path.noisy(costs)

    def measure_dense(
        self, theta: Float32, samples: NDArray[np.uint32], perturbations: Float32
    ) -> Float64:
        """theta (P,), samples (n,), perturbations (n, P) → costs (n,)."""
        self._check_block(len(samples))
        self._checked(perturbations, (len(samples), self._description.parameters), "perturbations")
        return self._measure(self._sent(theta), samples, perturbations.astype(np.float64))

    def set_amplitudes(self, amplitudes: Float32) -> None:
        """amplitudes (P,) of the packed codes."""
        shape = (self._description.parameters,)
        self._amplitudes = self._checked(amplitudes, shape, "amplitudes").astype(np.float64)
        self._engine.set_amplitudes(self._amplitudes)

    def measure_signs(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        packed_codes: NDArray[np.uint8],
    ) -> Float64:
        """theta (P,), samples (n,), signs (n,), packed_codes (n, ⌈P/8⌉) → costs (n,)."""
        if self._amplitudes is None:
            raise ChipError(f"{self._description.name}: codes came before their amplitudes")
        parameters = self._description.parameters
        self._check_block(len(samples))
        self._checked(packed_codes, (len(samples), -(-parameters // 8)), "packed codes")
        self._checked(signs, (len(samples),), "signs")
        sent = self._sent(theta)
        if not self._stage.present_codes(sent, self._amplitudes, signs, packed_codes):
            perturbations = unpack_signs(packed_codes, parameters) * self._amplitudes
            perturbations *= signs[:, None]
            return self._measure(sent, samples, perturbations)
        self._keep(sent)
        return self._measure_many(sent, self._amplitudes, samples, signs, packed_codes)

    def node_layers(self) -> tuple[NodeLayer, ...]:
        """Layers with parameters; the pre-activations of all their nodes can be perturbed."""
        return self._perturbed.layers

    def measure_nodes(
        self,
        theta: Float32,
        samples: NDArray[np.uint32],
        perturbations: Float32,
        reads: NDArray[np.bool_],
    ) -> tuple[Float64, Float64]:
        """samples (n,), perturbations (n, M), reads (n,) → costs (n,), inputs (r, K)."""
        count, held = len(samples), self._held(samples)
        self._check_block(count)
        self._checked(perturbations, (count, self._perturbed.nodes), "node perturbations")
        self._checked(reads, (count,), "marks of what is read")
        self._stage.check_on()
        sent = self._sent(theta)
        self._stage.hold(sent)
        self._keep(sent)
        self._stage.presentations += count
        if self._path is not None:
            self._the_cost()
            return self._path.costs_of_nodes(self._perturbed, held, perturbations, reads)
        inputs = self._inputs.take(held, axis=0)
        outputs, entered = self._perturbed.forward(sent, inputs, perturbations, reads)
        return self._cost_of(outputs, self._targets.take(held, axis=0)), entered

    @cached_property
    def _perturbed(self) -> PerturbedNodes:
        return PerturbedNodes(self._network)

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
        self._check_block(count)
        return self._measure_probes(
            theta, self._the_generator().neighbouring(first_step, skip, count)
        )

    def configure_learning(self, program: LearningProgram, theta: Float64) -> None:
        """Step 0 of a training that the chip does itself, from θ float64 (P,)."""
        self._checked(theta, self._register.shape, "theta")
        learning = learner_of(program, theta, self._measure_probes, self._engine, self._bench)
        self.configure_probes(program.probes)
        self._learning = learning

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

    def _bench(self) -> Bench | None:
        """What its learning works with; None where presentations are to be made by the chip."""
        if self._path is not None or self._latency or not self._stage.judges_limits_only:
            return None
        if self._cost is None or self._cost.kind != "mse" or self._amplitudes is None:
            return None
        probes = self._the_learning().program.probes
        if self._the_generator().program is not probes or probes.samples > len(self._inputs):
            return None
        if not np.array_equal(probes.amplitudes, self._amplitudes):
            return None
        return Bench(self._inputs, self._targets, *self._stage.limits, self._presented)

    def _presented(self, theta: Float64, count: int) -> None:
        self._register = theta
        self._stage.presentations += count

    def _measure_probes(self, theta: Float32, asked: Generated) -> Float64:
        samples, signs = asked.probes.samples, asked.probes.signs
        blocks = [slice(k, k + _LARGEST_BLOCK) for k in range(0, len(samples), _LARGEST_BLOCK)]
        if asked.packed is not None:
            packed = asked.packed
            costs = [self.measure_signs(theta, samples[b], signs[b], packed[b]) for b in blocks]
        else:
            moves = self._the_generator().perturbations(asked.probes)
            costs = [self.measure_dense(theta, samples[b], moves[b]) for b in blocks]
        return np.concatenate(costs)

    def _the_generator(self) -> ProbeGenerator:
        if self._generator is None:
            raise ChipError(f"{self._description.name}: probes were asked for before their program")
        return self._generator

    def _sent(self, theta: Float32) -> Float64:
        """θ as it came, in float64."""
        self._wait()
        return self._checked(theta, self._register.shape, "theta").astype(np.float64)

    def _check_block(self, probes: int) -> None:
        if probes > _LARGEST_BLOCK:
            raise ConfigurationError(
                f"{self._description.name}: a block of {probes} probes; the chip takes 1 to "
                f"{_LARGEST_BLOCK}"
            )


class EmulatedSettings(ChipSettings, EmulationSettings):
    """Chip file of the driver `emulated`."""


def emulated_chip(
    settings: EmulationSettings, name: str = "", limits: Limits | None = None
) -> EmulatedChip:
    """The chip that an emulation's keys describe."""
    imperfections = settings.imperfections
    sigma = 0.0 if imperfections is None else imperfections.activation_variation
    network = varied(network_of(settings.network), sigma, settings.seed)
    return EmulatedChip(
        network,
        engine=engine_of(
            network,
            settings.engine,
            settings.precision,
            settings.device,
            settings.probes_together,
        ),
        name=name,
        latency_seconds=settings.latency_seconds,
        limits=limits,
        record_extremes=settings.record_extremes,
        imperfections=imperfections,
        seed=settings.seed,
    )


def _build(settings: EmulatedSettings, visa_library: Any) -> EmulatedChip:  # noqa: ARG001 (no VISA)
    return emulated_chip(settings, settings.name, settings.limits)


DRIVER = ChipDriver(settings=EmulatedSettings, build=_build)
