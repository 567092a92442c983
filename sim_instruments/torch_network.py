"""Networks as functions of PyTorch tensors, and a user's own module as a network.

PyTorch is imported when it is needed: it is an extra, and takes seconds.
"""

from __future__ import annotations

import copy
import importlib
import importlib.util
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import ParameterGroup
from mgd_lab.errors import ConfigurationError, MissingExtraError
from sim_instruments.chain import Chain, Stage, as_chain
from sim_instruments.network import MultilayerPerceptron

Float64 = NDArray[np.float64]
Tensor = Any
"""A `torch.Tensor`; this file can be read without PyTorch."""
Forward = Callable[[Tensor, Tensor], Tensor]
"""theta (P,), inputs (n, I) → outputs (n, O), differentiable, and free to be mapped by `vmap`."""

# Beginning of what PyTorch says of an operation that `vmap` computes one row after another.
_ROW_AFTER_ROW = "There is a performance drop because we have not yet implemented the batching rule"


def torch_library(purpose: str = "engine: torch") -> Any:
    """The module `torch`; MissingExtraError where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError(purpose, "PyTorch", "torch")
    return importlib.import_module("torch")


class TorchNetwork:
    """A module of PyTorch in evaluation mode; its parameters in the order that it names them.

    Args:
        module: a `torch.nn.Module` that gives outputs (n, O) for inputs (n, *shape).
        shape: of one sample.
        outputs: O.
        gives_probabilities: whether outputs are non-negative and sum to 1.
        title: for messages and the record of a run.
    """

    def __init__(
        self,
        module: Any,
        shape: tuple[int, ...],
        outputs: int,
        *,
        gives_probabilities: bool,
        title: str,
    ) -> None:
        self.module = module
        self.shape = shape
        self.outputs = outputs
        self.gives_probabilities = gives_probabilities
        self.title = title
        self._shapes: Mapping[str, tuple[int, ...]] = {
            name: tuple(parameter.shape) for name, parameter in module.named_parameters()
        }

    @property
    def groups(self) -> tuple[ParameterGroup, ...]:
        """A group for each of the module's parameters, under its name."""
        return tuple(ParameterGroup(name, math.prod(shape)) for name, shape in self._shapes.items())

    @property
    def parameters(self) -> int:
        """P."""
        return sum(group.count for group in self.groups)

    @property
    def inputs(self) -> int:
        """Width of a sample, flattened."""
        return math.prod(self.shape)

    def forward(self, parameters: Float64, inputs: Float64) -> Float64:
        """parameters (n, P) or (1, P) for all, inputs (n, I) → outputs (n, O), all float64."""
        torch = torch_library()
        theta = torch.from_numpy(np.ascontiguousarray(parameters))
        shown = torch.from_numpy(np.ascontiguousarray(inputs))
        with torch.no_grad():
            found = each_with_its_own(self)(theta.expand(len(inputs), -1), shown)
        return found.numpy()

    def function(self, kind: Any, device: Any) -> Forward:
        """The module as a function of θ; its buffers are copied in numbers of a kind."""
        call: Any = importlib.import_module("torch.func").functional_call
        module = copy.deepcopy(self.module).to(device=device, dtype=kind)

        def forward(theta: Tensor, inputs: Tensor) -> Tensor:
            named: dict[str, Tensor] = {}
            first = 0
            for name, shape in self._shapes.items():
                count = math.prod(shape)
                named[name] = theta[first : first + count].reshape(shape)
                first += count
            return call(module, named, (inputs.reshape(-1, *self.shape),))

        return forward


def torch_forward(
    network: object,
    precision: Literal["float64", "float32"] = "float64",
    device: Any = "cpu",
) -> Forward:
    """A network as one function of PyTorch: theta (P,), inputs (n, I) → outputs (n, O).

    Parameters stand in the network's own order (`Network.groups`).

    Raises:
        ConfigurationError: a kind of network that PyTorch cannot be told.
        MissingExtraError: PyTorch is not installed.
    """
    torch = torch_library()
    if isinstance(network, TorchNetwork):
        return network.function(getattr(torch, precision), device)
    if isinstance(network, MultilayerPerceptron):
        network = as_chain(network)
    if isinstance(network, Chain):
        return _function_of_chain(network, getattr(torch, precision), device)
    raise ConfigurationError(f"engine: torch does not know a {type(network).__name__}; use numpy")


def each_with_its_own(
    network: object,
    precision: Literal["float64", "float32"] = "float64",
    device: Any = "cpu",
) -> Forward:
    """The same for rows of parameters: thetas (n, P), inputs (n, I) → outputs (n, O)."""
    forward = torch_forward(network, precision, device)
    vmap: Any = importlib.import_module("torch.func").vmap
    # Once, not at every call: a change of filters makes Python repeat all other warnings.
    warnings.filterwarnings("ignore", _ROW_AFTER_ROW, UserWarning)

    def one(theta: Tensor, sample: Tensor) -> Tensor:
        return forward(theta, sample[None])[0]

    return vmap(one, in_dims=(0, 0))


def _function_of_chain(chain: Chain, kind: Any, device: Any) -> Forward:
    functional: Any = importlib.import_module("torch.nn.functional")
    variation = chain.variation
    factors: Tensor = None
    if variation is not None:
        factors = torch_library().from_numpy(variation.factors.copy()).to(device, kind)

    def forward(theta: Tensor, inputs: Tensor) -> Tensor:
        signal = inputs.reshape(-1, *chain.shapes[0])
        for stage in chain.stages:
            if factors is not None and stage.neurons:
                signal = _varied(stage, factors, signal)
            else:
                signal = _passed(stage, theta, signal, functional)
        return signal.flatten(1)

    return forward


def _passed(stage: Stage, theta: Tensor, signal: Tensor, functional: Any) -> Tensor:
    """signal (n, *shape before) → (n, *shape after)."""
    layer = stage.layer
    if layer.kind == "max_pool":
        return functional.max_pool2d(signal, layer.size)
    if layer.kind in ("conv", "dense"):
        weights, biases = layer.weights_and_biases(stage.before)
        weight = theta[stage.weights : stage.weights + weights]
        bias = theta[stage.biases : stage.biases + biases]
        if layer.kind == "conv":
            shape = (stage.after[0], stage.before[0], *layer.kernel)
            return functional.conv2d(signal, weight.reshape(shape), bias)
        flat = signal.flatten(1)
        summed = functional.linear(flat, weight.reshape(stage.after[0], -1), bias)
        return summed.reshape(-1, *stage.after)
    if layer.kind == "softmax":
        return signal.flatten(1).softmax(1).reshape(signal.shape)
    return _activated(layer.kind, signal)


def _varied(stage: Stage, factors: Tensor, signal: Tensor) -> Tensor:
    """The activations of neurons that differ: L f(k (a − x0)) + y0."""
    mine = factors[:, stage.neuron : stage.neuron + stage.neurons]
    scale, slope, shift, offset = (row.reshape(stage.after) for row in mine)
    return scale * _activated(stage.layer.kind, slope * (signal - shift)) + offset


def _activated(kind: str, signal: Tensor) -> Tensor:
    return signal if kind == "linear" else getattr(signal, kind)()
