"""Node perturbation, fitted to a chip that can do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mgd_lab.algorithm import mean_square_perturbation
from mgd_lab.chip import Chip, HoldsSamples, MeasuresCost, NodeLayer, PerturbsNodes
from mgd_lab.codes import Kind, mean_square
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.experiment import Experiment

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_TARGET = "training.perturbation.target: nodes"
_AMPLITUDE = "training.perturbation.amplitude"
# Perturbations, or layer inputs, of one block.
_NUMBERS_A_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class FittedNodes:
    """The layers whose nodes are perturbed, and by how much.

    `amplitudes` is float32 (M,), in the unit of the pre-activations.
    """

    layers: tuple[NodeLayer, ...]
    amplitudes: Float32

    @property
    def nodes(self) -> int:
        """M."""
        return len(self.amplitudes)

    @cached_property
    def width(self) -> int:
        """K, numbers that enter the layers."""
        return sum(layer.width for layer in self.layers)

    @property
    def most_probes(self) -> int:
        """Probes of a block whose perturbations and layer inputs fit into memory."""
        return max(1, _NUMBERS_A_BLOCK // max(self.nodes, self.width))

    def mean_square(self, kind: Kind) -> Float64:
        """⟨ã²⟩ of each node, (M,)."""
        return mean_square_perturbation(mean_square(kind, self.nodes), self.amplitudes)


def fit_nodes(experiment: Experiment, chip: Chip, samples: int) -> FittedNodes | None:
    """The nodes that an experiment perturbs on the open chip; None where it perturbs θ.

    Args:
        experiment: as loaded.
        chip: the open chip.
        samples: size of the training split.

    Raises:
        CapabilityError: the chip cannot perturb nodes, or does not hold so many samples.
        ConfigurationError: keys that do not go with it.
    """
    perturbation, settings = experiment.training.perturbation, experiment.chip
    if perturbation.target == "parameters":
        return None
    name = chip.description.name
    if not isinstance(chip, PerturbsNodes):
        raise CapabilityError(
            f"{_TARGET}: chip {name!r} lacks the capability PerturbsNodes. Emulated chips in the "
            "process have it (driver: emulated), and none behind a wire; use target: parameters"
        )
    for capability in (HoldsSamples, MeasuresCost):
        if not isinstance(chip, capability):
            raise CapabilityError(
                f"{_TARGET}: chip {name!r} lacks the capability {capability.__name__}, which "
                "perturbing nodes needs, too; use target: parameters"
            )
    if chip.description.sample_memory < samples:
        raise CapabilityError(
            f"{_TARGET}: the memory of chip {name!r} holds {chip.description.sample_memory} "
            f"samples, {samples} are needed"
        )
    if settings.rung != "auto":
        raise ConfigurationError(
            f"chip.rung: {settings.rung} says how perturbations of parameters reach the chip; with "
            f"{_TARGET} there is one way only. Remove it"
        )
    if getattr(settings, "precision", None) == "float32":
        raise ConfigurationError(
            f"chip.precision: float32 has no meaning with {_TARGET}, which the emulated chip "
            "computes in float64. Remove it"
        )
    layers = chip.node_layers()
    return FittedNodes(layers, _amplitudes(perturbation.amplitude, layers))


def _amplitudes(
    amplitude: float | Sequence[float] | Mapping[str, float], layers: Sequence[NodeLayer]
) -> Float32:
    """A number, or a list with one for each layer that has nodes → float32 (M,)."""
    if isinstance(amplitude, Mapping):
        raise ConfigurationError(
            f"{_AMPLITUDE} is given for parameter groups, and {_TARGET}; give a number, or a list "
            f"of {len(layers)}, one for each layer with parameters"
        )
    values = [float(amplitude)] * len(layers) if isinstance(amplitude, int | float) else amplitude
    if len(values) != len(layers):
        raise ConfigurationError(
            f"{_AMPLITUDE} lists {len(values)} numbers, and {_TARGET}; give one number, or one for "
            f"each of the {len(layers)} layers with parameters"
        )
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.array(values).astype(np.float32)
    if not (np.isfinite(rounded) & (rounded >= np.finfo(np.float32).tiny)).all():
        raise ConfigurationError(f"{_AMPLITUDE} must be normal float32 numbers above 0")
    return np.repeat(rounded, [layer.nodes for layer in layers])
