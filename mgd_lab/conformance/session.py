"""One opening of the chip under test, and the ways to have probes measured on it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import Schedule
from mgd_lab.chip import (
    Chip,
    ChipDescription,
    GeneratesProbes,
    HoldsSamples,
    MeasuresCost,
    MeasuresSigns,
    Rung,
    SwitchesOutputs,
)
from mgd_lab.conformance.comparison import Comparison, Noise, compare, noise_of
from mgd_lab.conformance.material import Material, program_of
from mgd_lab.controller import Chunk, ChunkSource, Prober, choose_rung, prober_for
from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError
from mgd_lab.experiment import ChipSettings

Float64 = NDArray[np.float64]

MEASURING_RUNGS: tuple[Rung, ...] = ("forward", "cost", "dense", "signs", "generated")
_ONE_REGISTER = ("forward", "cost")
_REPETITIONS = 8
_REPEATED_PROBES = 24
_BUDGET_SECONDS = 3.0
_LARGEST_REQUEST_BYTES = 2**24


@dataclass
class Subject:
    """A chip under test, over all its openings.

    Attributes:
        tolerance: difference of costs that passes, for chips that compute in less than float64.
        noise: of each rung, once it has been measured.
        probe_seconds: of one probe in a block of its own, on each rung.
    """

    chip: Chip
    settings: ChipSettings
    description: ChipDescription
    material: Material
    tolerance: float = 0.0
    noise: dict[Rung, Noise] = field(default_factory=dict[Rung, Noise])
    probe_seconds: dict[Rung, float] = field(default_factory=dict[Rung, float])


class Session:
    """The open chip. Everything that is sent lies within the material's envelope."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.chip = subject.chip
        self.description = subject.description
        self.material = subject.material

    def begin(self) -> None:
        """Right after opening: outputs on, where the chip has a switch for them."""
        chip = self.chip
        if "output_switch" in self.description.features and isinstance(chip, SwitchesOutputs):
            chip.switch_outputs(on=True)

    def obstacle(self, rung: Rung) -> str:
        """Why the chip cannot be asked on this rung; empty where it can."""
        try:
            choose_rung(self.chip, rung, "random", len(self.material.inputs))
        except CapabilityError as error:
            text = str(error)
            obstacle = text.partition("is not possible: ")[2] or text
            return obstacle.removesuffix(". Choose another rung in the chip file, or rung: auto")
        return ""

    def rungs(self) -> list[Rung]:
        """Rungs that return costs or outputs and that the chip offers."""
        return [rung for rung in MEASURING_RUNGS if not self.obstacle(rung)]

    def reference(self, rung: Rung) -> Rung | None:
        """The simplest other rung, to compare with."""
        others: list[Rung] = [other for other in self.rungs() if other not in (rung, "generated")]
        return others[0] if others else None

    def schedule(self, rung: Rung, probes: int) -> Schedule:
        """One whose neighbouring probes can be presented together on this rung."""
        if rung in _ONE_REGISTER:
            return Schedule(tau_p=1, tau_x=1, tau_theta=2, batch=probes)
        return Schedule(tau_p=2, tau_x=1, tau_theta=4, batch=1)

    def largest_block(self, rung: Rung) -> int:
        """Most probes of a request that the chip and a bounded memory allow."""
        parameters = self.description.parameters
        row = {"dense": 4 * parameters, "signs": parameters // 8 + 1}.get(rung, 8)
        row += 4 * (self.description.inputs + self.description.outputs)
        asked = self.subject.settings.max_block_probes or self.description.largest_block
        return max(1, min(self.description.largest_block, asked, _LARGEST_REQUEST_BYTES // row))

    def affordable(self, rung: Rung, wanted: int) -> int:
        """So many probes, or as many as a slow chip measures one by one in a few seconds."""
        seconds = self.subject.probe_seconds.get(rung)
        if seconds is None:
            chunk = self.source(rung, 1).chunk(0, 1)
            self.measure(rung, chunk, 0, 1, 1)
            began = time.perf_counter()
            self.measure(rung, chunk, 0, 1, 1)
            seconds = time.perf_counter() - began
            self.subject.probe_seconds[rung] = seconds
        return int(np.clip(_BUDGET_SECONDS / max(seconds, 1e-9), min(8, wanted), wanted))

    def source(self, rung: Rung, probes: int) -> ChunkSource:
        """Probes for a rung, of which `probes` neighbours can be presented together."""
        source = self.material.source(self.schedule(rung, probes))
        self.prepare(rung, source)
        return source

    def chunk(self, rung: Rung, probes: int) -> Chunk:
        """At least so many probes; on rungs of one register they can be presented together."""
        return self.source(rung, probes).chunk(0, 1 if rung in _ONE_REGISTER else -(-probes // 2))

    def prober(self, rung: Rung, cost: CostFunction | None = None) -> Prober:
        """What the host itself uses to have probes measured on this rung."""
        material = self.material
        return prober_for(rung, self.chip, cost or material.cost, material.inputs, material.targets)

    def prepare(self, rung: Rung, source: ChunkSource, cost: CostFunction | None = None) -> None:
        """Tells the chip what it must know before this rung is used."""
        chip, material = self.chip, self.material
        if isinstance(chip, MeasuresCost) and rung != "forward":
            chip.set_cost(cost or material.cost)
        if isinstance(chip, HoldsSamples) and rung not in _ONE_REGISTER:
            chip.load_samples(material.inputs, material.targets)
        if isinstance(chip, MeasuresSigns) and rung == "signs":
            chip.set_amplitudes(material.amplitudes)
        if isinstance(chip, GeneratesProbes) and rung == "generated":
            chip.configure_probes(program_of(source))

    def measure(
        self,
        rung: Rung,
        chunk: Chunk,
        first: int,
        stop: int,
        block: int,
        cost: CostFunction | None = None,
    ) -> Float64:
        """Costs of the probes `first` … `stop − 1`, in requests of `block`; MeasurementError."""
        edges = [*range(first, stop, block), stop]
        return self.measure_blocks(rung, chunk, pairwise(edges), cost)

    def measure_blocks(
        self,
        rung: Rung,
        chunk: Chunk,
        blocks: Iterable[tuple[int, int]],
        cost: CostFunction | None = None,
    ) -> Float64:
        """Costs of blocks (first, end), one request each, joined in the order given."""
        prober, sent = self.prober(rung, cost), self.material.sent
        return np.concatenate([prober.measure(sent, chunk, first, end) for first, end in blocks])

    def noise(self, rung: Rung) -> Noise:
        """How well costs on this rung repeat, after a first pass that settles the chip."""
        known = self.subject.noise.get(rung)
        if known is None:
            known = noise_of(self.repeated(rung)[1:])
            self.subject.noise[rung] = known
        return known

    def repeated(self, rung: Rung) -> Float64:
        """The same probes over and over, one a request: (repetitions + 1, probes)."""
        count = self.affordable(rung, _REPEATED_PROBES * (_REPETITIONS + 1)) // (_REPETITIONS + 1)
        count = max(2, count)
        chunk = self.source(rung, 1).chunk(0, count)
        return np.array([self.measure(rung, chunk, 0, count, 1) for _ in range(_REPETITIONS + 1)])

    def compare(self, found: Float64, expected: Float64, *rungs: Rung) -> Comparison:
        """Judged by the noise of these rungs and the tolerance that was asked for."""
        noise = Noise()
        for rung in rungs:
            noise = noise.together(self.noise(rung))
        return compare(found, expected, noise, self.subject.tolerance)
