"""All that happens between the θ that is sent and the cost that comes back, in order.

write → held value → drift, relaxation → θ̃ → crosstalk → read noise of parameters → network (input
range, activations) → settling → read noise of outputs → output range → cost → cost noise.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ChipDescription
from mgd_lab.costs import CostFunction
from mgd_lab.experiment.imperfections import Imperfections, Range
from sim_instruments.engines import Engine, formed
from sim_instruments.imperfections.converter import Converter
from sim_instruments.imperfections.cost_noise import NoisyCost
from sim_instruments.imperfections.memory import Memory
from sim_instruments.imperfections.outputs import ReadOutputs
from sim_instruments.imperfections.seen_parameters import SeenParameters, perturbation_grid
from sim_instruments.perturbed_nodes import PerturbedNodes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Samples = NDArray[np.uint32]

# (places in the block, values held there, number of the first presentation) → costs or outputs.
_Measure = Callable[[slice, Float64, int], Float64]

# Parameters that are handed over together, where each presentation has its own: they stay in the
# processor's cache.
_NUMBERS_AT_ONCE = 2**16


class SignalPath:
    """An imperfect chip between its registers and its outputs.

    Presentations are numbered from 0 in the order in which they are made, for as long as the chip
    exists; everything random follows from the seed, this number, and the number of the write.
    """

    def __init__(
        self, settings: Imperfections, seed: int, description: ChipDescription, engine: Engine
    ) -> None:
        self._engine = engine
        self._cost = CostFunction()
        self._inputs: Float32 = np.empty((0, description.inputs), np.float32)
        self._targets: Float32 = np.empty((0, description.outputs), np.float32)
        self._memory = Memory(settings, seed, description.safe)
        self._perturbations = perturbation_grid(settings)
        self._seen = SeenParameters(settings, seed, description)
        self._input = Converter(settings.input or Range())
        self._readout = ReadOutputs(settings, seed, description.outputs)
        noise = settings.cost_noise
        self._cost_noise = None if noise is None else NoisyCost(noise, seed)
        self._at_once = max(1, _NUMBERS_AT_ONCE // description.parameters)
        self._next = 0

    def restart(self) -> None:
        """After a power failure: outputs have settled. Devices keep what they are."""
        self._readout.restart()

    @property
    def clipped(self) -> tuple[int, int]:
        """Numbers beyond the range so far: of inputs, as they were written, and of outputs."""
        return self._input.clipped, self._readout.clipped

    def write(self, theta: Float64) -> None:
        """theta (P,) for the registers."""
        self._memory.write(theta, self._next)

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        self._cost = cost

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O) for the engine's memory, as the network will see them."""
        self._inputs, self._targets = self._converted(inputs), targets
        self._engine.load(self._inputs, targets)

    def outputs(self, inputs: Float32) -> Float64:
        """inputs (n, I), presented one after another → outputs (n, O)."""
        shown = self._converted(inputs)

        def measure(part: slice, held: Float64, first: int) -> Float64:
            alone = self._one_by_one(part, held, first)
            return np.concatenate([self._engine.outputs(row, shown[p]) for p, row in alone])

        first = self._next
        found = self._measured(len(inputs), measure)
        return self._readout.read(found.reshape(len(inputs), -1), first)

    def costs_of_nodes(
        self,
        network: PerturbedNodes,
        samples: Samples,
        perturbations: Float32,
        reads: NDArray[np.bool_],
    ) -> tuple[Float64, Float64]:
        """As `PerturbedNodes.forward`, of samples (n,) → costs (n,), inputs of layers (r, K)."""
        shown = self._inputs.take(samples, axis=0)
        entered: list[Float64] = []

        def measure(part: slice, held: Float64, first: int) -> Float64:
            outputs: list[Float64] = []
            for p, row in self._one_by_one(part, held, first):
                found, inside = network.forward(row, shown[p], perturbations[p], reads[p])
                outputs.append(found)
                entered.append(inside)
            return np.concatenate(outputs)

        first = self._next
        outputs = self._readout.read(self._measured(len(samples), measure), first)
        return self.noisy(self._cost_of(outputs, samples)), np.concatenate(entered)

    def costs_of_codes(
        self,
        amplitudes: Float64,
        samples: Samples,
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """amplitudes (P,), samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,)."""
        moves = np.where(self._memory.free, self._perturbations.nearest(amplitudes), 0.0)

        def measure(part: slice, held: Float64, first: int) -> Float64:
            values = (held, held - moves, held + moves)
            mine = (signs[part], codes[part])
            if self._seen.is_any:
                return self._of_rows(
                    lambda p: formed(*values, mine[0][p], mine[1][p]), samples[part], first
                )
            if self._readout.is_any:
                return self._engine.outputs_of_codes(*values, samples[part], *mine)
            return self._engine.costs_of_codes(*values, samples[part], *mine)

        return self._costs(samples, measure)

    def costs(self, perturbations: Float64, samples: Samples) -> Float64:
        """perturbations (n, P), signed, samples (n,) → costs (n,)."""
        moves = np.where(self._memory.free, self._perturbations.nearest(perturbations), 0.0)

        def measure(part: slice, held: Float64, first: int) -> Float64:
            mine = moves[part]
            return self._of_rows(lambda p: held + mine[p], samples[part], first)

        return self._costs(samples, measure)

    def noisy(self, costs: Float64) -> Float64:
        """costs (n,) of the latest n presentations, with the noise of the cost."""
        if self._cost_noise is None:
            return costs
        return costs + self._cost_noise.of(self._next - len(costs), len(costs))

    def _costs(self, samples: Samples, measure: _Measure) -> Float64:
        first = self._next
        found = self._measured(len(samples), measure)
        if self._readout.is_any and len(samples):
            found = self._cost_of(self._readout.read(found, first), samples)
        return self.noisy(found)

    def _cost_of(self, outputs: Float64, samples: Samples) -> Float64:
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            return self._cost(outputs, self._targets.take(samples, axis=0))

    def _measured(self, count: int, measure: _Measure) -> Float64:
        """Of `count` presentations, as long as nothing held changes by itself together."""
        begin, now, end = self._next, self._next, self._next + count
        found: list[Float64] = []
        while now < end:
            until = self._memory.unchanged_until(now, end)
            part = slice(now - begin, until - begin)
            found.append(measure(part, self._memory.values(now), now))
            now = until
        self._next = end
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty(0)

    def _one_by_one(
        self, part: slice, held: Float64, first: int
    ) -> Iterator[tuple[slice, Float64]]:
        """Places that see the same parameters, and these, (P,): together, if all do."""
        if not self._seen.is_fresh:
            yield part, self._seen.of(held[None], first)[0]
            return
        for k in range(part.stop - part.start):
            place = part.start + k
            yield slice(place, place + 1), self._seen.of(held[None], first + k)[0]

    def _of_rows(self, rows: Callable[[slice], Float64], samples: Samples, first: int) -> Float64:
        """Costs or outputs for parameters of each presentation's own, some at a time."""
        ask = self._engine.outputs_of_samples if self._readout.is_any else self._engine.costs
        found: list[Float64] = []
        for k in range(0, len(samples), self._at_once):
            part = slice(k, k + self._at_once)
            found.append(ask(self._seen.of(rows(part), first + k), samples[part]))
        return np.concatenate(found)

    def _converted(self, inputs: Float32) -> Float32:
        return self._input.converted(inputs.astype(np.float64)).astype(np.float32)


def has_signal_path(settings: Imperfections) -> bool:
    """Whether anything but the activations is imperfect."""
    rest = settings.model_copy(update={"activation_variation": 0.0})
    return rest != Imperfections()


def told(settings: Imperfections | None, seed: int) -> str:
    """What follows a chip's model: eight digits that differ where imperfections or seed do."""
    if settings is None or settings == Imperfections():
        return ""
    text = json.dumps([settings.model_dump(), seed], sort_keys=True)
    return f" with imperfections {zlib.crc32(text.encode()):08x}"
