"""What computes the costs of an emulated chip, and which of them is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ParameterGroup
from mgd_lab.codes import ValueTable
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.experiment.emulation import (
    SMALLEST_FLOAT32_AMPLITUDE,
    DeviceChoice,
    EngineChoice,
    Precision,
)
from sim_instruments.torch_network import TorchNetwork

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
        """amplitudes (P,) of the codes to come; ConfigurationError where precision drowns them."""
        ...

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        ...

    def outputs_of_samples(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P) for all, samples (n,) → outputs (n, O)."""
        ...

    def outputs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """The same as `costs_of_codes` → outputs (n, O)."""
        ...

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P) for all, samples (n,) → costs (n,)."""
        ...

    def costs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,).

        A parameter has its value of `own` (P,) where the sign is 0, else that of `lower` or of
        `upper` (P,), as its bit is 0 or 1; the other way round where the sign is −1.
        """
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

    def set_cost(self, cost: CostFunction) -> None:
        """From now on."""
        self._cost = cost

    def load(self, inputs: Float32, targets: Float32) -> None:
        """inputs (N, I), targets (N, O)."""
        self._inputs, self._targets = inputs, targets

    def set_amplitudes(self, amplitudes: Float64) -> None:
        """amplitudes (P,)."""
        check_precision(self._type, amplitudes)

    def outputs(self, parameters: Float64, inputs: Float32) -> Float64:
        """parameters (P,), inputs (n, I) → outputs (n, O)."""
        return self._forward(parameters[None], inputs)

    def outputs_of_samples(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → outputs (n, O)."""
        return self._forward(parameters, self._inputs.take(samples, axis=0))

    def outputs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → outputs (n, O)."""
        outputs = np.empty((len(samples), self._targets.shape[1]))
        for probes, parameters in _formed(own, lower, upper, signs, codes):
            outputs[probes] = self.outputs_of_samples(parameters, samples[probes])
        return outputs

    def costs(self, parameters: Float64, samples: NDArray[np.uint32]) -> Float64:
        """parameters (n, P) or (1, P), samples (n,) → costs (n,)."""
        cost = self._cost or CostFunction()
        outputs = self.outputs_of_samples(parameters, samples)
        with np.errstate(all="ignore"):
            return cost(outputs, self._targets.take(samples, axis=0))

    def costs_of_codes(
        self,
        own: Float64,
        lower: Float64,
        upper: Float64,
        samples: NDArray[np.uint32],
        signs: NDArray[np.int8],
        codes: NDArray[np.uint8],
    ) -> Float64:
        """samples (n,), signs (n,), packed codes (n, ⌈P/8⌉) → costs (n,)."""
        if len(samples) <= _FEW:
            return self.costs(formed(own, lower, upper, signs, codes), samples)
        costs = np.empty(len(samples))
        for probes, parameters in _formed(own, lower, upper, signs, codes):
            costs[probes] = self.costs(parameters, samples[probes])
        return costs

    def _forward(self, parameters: Float64, inputs: Float32) -> Float64:
        # In float32 all of the network's arithmetic follows its arguments.
        parameters = cast(Float64, parameters.astype(self._type, copy=False))
        # A diverging network overflows; what it then costs is the controller's to judge.
        with np.errstate(all="ignore"):
            outputs = self._network.forward(parameters, cast(Float64, inputs.astype(self._type)))
        return outputs.astype(np.float64, copy=False)


def formed(
    own: Float64,
    lower: Float64,
    upper: Float64,
    signs: NDArray[np.int8],
    codes: NDArray[np.uint8],
) -> Float64:
    """own, lower, upper (P,), signs (n,), codes (n, ⌈P/8⌉) → what each probe presents, (n, P)."""
    bits = np.unpackbits(codes, axis=1, count=len(own), bitorder="little")
    bits ^= (signs < 0)[:, None]
    # One of two numbers by their bits: a choice a number would be guessed wrong half of the time.
    below, above = lower.view(np.int64), upper.view(np.int64)
    chosen = bits.astype(np.int64)
    np.negative(chosen, out=chosen)
    chosen &= below ^ above
    chosen ^= below
    parameters = chosen.view(np.float64)
    parameters[signs == 0] = own
    return parameters


def _formed(
    own: Float64,
    lower: Float64,
    upper: Float64,
    signs: NDArray[np.int8],
    codes: NDArray[np.uint8],
) -> Iterator[tuple[NDArray[np.intp] | slice, Float64]]:
    """Places of probes that are computed together, and their parameters (n, P) or (1, P)."""
    if len(signs) <= _FEW:
        yield slice(None), formed(own, lower, upper, signs, codes)
        return
    # Values looked up a byte at a time, and one row for all baselines.
    look_up = ValueTable(lower, upper)
    baselines, perturbed = np.flatnonzero(signs == 0), np.flatnonzero(signs)
    if len(baselines):
        yield baselines, own[None]
    # The negative of a code has all its bits inverted.
    inverted = np.where(signs < 0, np.uint8(255), np.uint8(0))
    at_once = max(1, _CACHED_NUMBERS // len(own))
    for first in range(0, len(perturbed), at_once):
        probes = perturbed[first : first + at_once]
        chosen = codes.take(probes, axis=0)
        chosen ^= inverted.take(probes)[:, None]
        yield probes, look_up.expand(chosen)


def check_precision(kind: np.dtype[np.floating[Any]], amplitudes: Float64) -> None:
    """ConfigurationError where costs in float32 would change by their rounding, mostly."""
    if kind == np.float32 and amplitudes.min() < SMALLEST_FLOAT32_AMPLITUDE:
        raise ConfigurationError(
            f"an amplitude is {amplitudes.min():g}, and the emulated chip's precision float32; use "
            f"at least {SMALLEST_FLOAT32_AMPLITUDE:g}, or precision: float64"
        )


def engine_of(
    network: Network,
    choice: EngineChoice,
    precision: Precision,
    device: DeviceChoice = "auto",
    probes_together: int | None = None,
) -> Engine:
    """The engine that a chip file asks for; `auto` is `compiled` where Numba is installed.

    A torch network has the engine `torch` alone. Compiled code is loaded here, or made, so that no
    exchange has to wait for it.

    Raises:
        ConfigurationError: the engine does not know the network, the GPU or the key.
        MissingExtraError: the engine's library is not installed.
    """
    if choice == "torch" or (choice == "auto" and isinstance(network, TorchNetwork)):
        # Imported here: it needs the extra.
        from sim_instruments.torch_engine import TorchEngine

        return TorchEngine(network, precision, device, probes_together)
    _refuse_keys_of_torch(network, choice, device, probes_together)
    if choice == "numpy":
        return NumpyEngine(network, precision)
    if importlib.util.find_spec("numba") is None:
        if choice == "auto":
            return NumpyEngine(network, precision)
        raise MissingExtraError("engine: compiled", "numba", "fast")
    # Imported here: that takes half a second, and needs the extra.
    from sim_instruments.compiled_engine import CompiledEngine

    return CompiledEngine(network, precision)


def _refuse_keys_of_torch(
    network: Network, choice: EngineChoice, device: DeviceChoice, probes_together: int | None
) -> None:
    if isinstance(network, TorchNetwork):
        raise ConfigurationError(
            f"chip.engine: {choice} does not know a network of kind torch; use torch, or auto"
        )
    for key, given in (("device", device != "auto"), ("probes_together", probes_together)):
        if given:
            raise ConfigurationError(
                f"chip.{key}: it belongs to engine: torch, not to {choice}; remove it, or set "
                "chip.engine"
            )
