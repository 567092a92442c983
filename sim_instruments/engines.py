"""What computes the costs of an emulated chip, and which of them is used."""

from __future__ import annotations

import importlib.util
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ParameterGroup
from mgd_lab.codes import SignTable, unpack_signs
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.experiment.emulation import SMALLEST_FLOAT32_AMPLITUDE, EngineChoice, Precision

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Parameters of probes computed together: they stay in the processor's cache.
_CACHED_NUMBERS = 65536
# Below so many probes, building a table takes longer than it saves.
_FEW = 64


class Network(Protocol):
    """What an engine needs to know of a network."""

    @property
    def groups(self) -> tuple[ParameterGroup, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def gives_probabilities(self) -> bool: ...
    @property
    def title(self) -> str: ...

    def forward(self, parameters: Float64, inputs: Float64) -> Float64:
        """parameters (n, P) or (1, P) for all, inputs (n, I) → outputs (n, O)."""
        ...


class Engine(Protocol):
    """Computes presentations of samples that it holds; what one gives depends on no other.

    Samples are numbers that the memory holds: who asks has checked them.
    """

    @property
    def title(self) -> str:
        """What computes, with its precision and version: as much as decides about bits."""
        ...

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        ...

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O), which nobody changes any more."""
        ...

    def set_amplitudes(self, amplitudes: Float64) -> None:
        """amplitudes (P,) of the packed codes; ConfigurationError where precision drowns them."""
        ...

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        ...

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P) for all, samples (n,) → costs (n,)."""
        ...

    def costs_of_codes(
        self,
        theta: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """theta (P,), samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,)."""
        ...


class NumpyEngine:
    """Every presentation in whole arrays, on one core."""

    def __init__(self, network: Network, precision: Precision = "float64") -> None:
        self._network = network
        self._type = np.dtype(precision)
        self.title = f"numpy-{precision}"
        self._cost: CostFunction | None = None
        self._inputs: Float32 = np.empty((0, network.inputs), np.float32)
        self._targets: Float32 = np.empty((0, network.outputs), np.float32)
        self._amplitudes: Float64 = np.empty(0)
        self._look_up: SignTable | None = None

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        self._cost = cost

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._inputs, self._targets = inputs, targets

    def set_amplitudes(self, amplitudes: Float64) -> None:
        """amplitudes (P,)."""
        check_precision(self._type, amplitudes)
        self._amplitudes = amplitudes
        self._look_up = None

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        return self._forward(parameters[None], inputs)

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → costs (n,)."""
        cost = self._cost or CostFunction()
        outputs = self._forward(parameters, self._inputs.take(samples, axis=0))
        with np.errstate(all="ignore"):
            return cost(outputs, self._targets.take(samples, axis=0))

    def costs_of_codes(
        self,
        theta: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """theta (P,), samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,)."""
        if len(samples) <= _FEW:
            parameters = unpack_signs(codes, len(theta)) * self._amplitudes
            parameters *= signs[:, None]
            parameters += theta
            return self.costs(parameters, samples)
        return self._many(theta, samples, signs, codes)

    def _many(
        self,
        theta: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """The same with θ + θ̃ looked up a byte at a time, and one θ for all baselines."""
        if self._look_up is None:
            self._look_up = SignTable(self._amplitudes.astype(np.float32))
        table = self._look_up.table(theta)
        baselines, perturbed = np.flatnonzero(signs == 0), np.flatnonzero(signs)
        costs = np.empty(len(samples))
        costs[baselines] = self.costs(theta[None], samples.take(baselines))
        # The negative of a code has all its bits inverted.
        inverted = np.where(signs < 0, np.uint8(255), np.uint8(0))
        at_once = max(1, _CACHED_NUMBERS // len(theta))
        for first in range(0, len(perturbed), at_once):
            probes = perturbed[first : first + at_once]
            chosen = codes.take(probes, axis=0)
            chosen ^= inverted.take(probes)[:, None]
            parameters = self._look_up.expand(table, chosen)
            costs[probes] = self.costs(parameters, samples.take(probes))
        return costs

    def _forward(self, parameters: Float64, inputs: Float32) -> Float64:
        # In float32 all of the network's arithmetic follows its arguments.
        parameters = cast(Float64, parameters.astype(self._type, copy=False))
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            outputs = self._network.forward(parameters, cast(Float64, inputs.astype(self._type)))
        return outputs.astype(np.float64, copy=False)


def check_precision(kind: np.dtype[np.floating[Any]], amplitudes: Float64) -> None:
    """ConfigurationError where costs in float32 would change by their rounding, mostly."""
    if kind == np.float32 and amplitudes.min() < SMALLEST_FLOAT32_AMPLITUDE:
        raise ConfigurationError(
            f"an amplitude is {amplitudes.min():g}, and the emulated chip's precision float32; use "
            f"at least {SMALLEST_FLOAT32_AMPLITUDE:g}, or precision: float64"
        )


def engine_of(network: Network, choice: EngineChoice, precision: Precision) -> Engine:
    """The engine that a chip file asks for; `auto` is `compiled` where Numba is installed.

    Compiled code is loaded here, or made, so that no exchange has to wait for it.

    Raises:
        MissingExtraError: `compiled` was asked for, and Numba is not installed.
    """
    if choice == "numpy":
        return NumpyEngine(network, precision)
    if importlib.util.find_spec("numba") is None:
        if choice == "auto":
            return NumpyEngine(network, precision)
        raise MissingExtraError("engine: compiled", "numba", "fast")
    # Imported here: that takes half a second, and needs the extra.
    from sim_instruments.compiled_engine import CompiledEngine

    return CompiledEngine(network, precision)
