"""Layers of a network that is spelled out, and the shapes between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem

Shape = tuple[int, int, int]
"""Channels, rows, columns; a dense layer's outputs are channels of one number."""

_OWN_KEYS = {"conv": ("out_channels", "kernel"), "max_pool": ("size",), "dense": ("outputs",)}


class LayerSettings(Alternatives):
    """A layer with parameters, a pooling layer, or an activation."""

    kind: Literal["conv", "max_pool", "dense", "relu", "tanh", "sigmoid", "softmax", "linear"]
    out_channels: int | None = Field(default=None, ge=1, description="of conv")
    kernel: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(3, 3), description="of conv: rows, columns; there is no padding"
    )
    size: int = Field(
        default=2,
        ge=2,
        description="of max_pool: rows and columns of a window; what is left over is dropped",
    )
    outputs: int | None = Field(default=None, ge=1, description="of dense")

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of the other kinds."""
        return {
            key: f"{key} belongs to kind {kind}, not to {self.kind}"
            for kind, keys in _OWN_KEYS.items()
            if kind != self.kind
            for key in keys
        }

    @model_validator(mode="after")
    def _be_complete(self) -> Self:
        if self.kind == "conv" and self.out_channels is None:
            raise key_problem("a layer conv needs out_channels, a number of channels")
        if self.kind == "conv" and len(self.kernel) != 2:
            raise key_problem(f"expected [rows, columns], got {list(self.kernel)}", "kernel")
        if self.kind == "dense" and self.outputs is None:
            raise key_problem("a layer dense needs outputs, a number of neurons")
        return self

    def after(self, shape: Shape) -> Shape:
        """Shape of the outputs for inputs of `shape`; 0 or less where the layer does not fit."""
        channels, rows, columns = shape
        if self.kind == "conv":
            high, wide = self.kernel
            return self.out_channels or 0, rows - high + 1, columns - wide + 1
        if self.kind == "max_pool":
            return channels, rows // self.size, columns // self.size
        if self.kind == "dense":
            return self.outputs or 0, 1, 1
        return shape

    def weights_and_biases(self, shape: Shape) -> tuple[int, int]:
        """How many parameters of each sort it has for inputs of `shape`."""
        if self.kind == "conv":
            outputs = self.out_channels or 0
            return outputs * shape[0] * math.prod(self.kernel), outputs
        if self.kind == "dense":
            outputs = self.outputs or 0
            return outputs * math.prod(shape), outputs
        return 0, 0


def shapes(first: Shape, layers: Sequence[LayerSettings]) -> tuple[Shape, ...]:
    """Shapes before, between and after the layers; a problem at the layer that does not fit."""
    found = [first]
    for k, layer in enumerate(layers):
        after = layer.after(found[-1])
        if min(after) < 1:
            what = f"kernel {list(layer.kernel)}" if layer.kind == "conv" else f"size {layer.size}"
            raise key_problem(
                f"{layer.kind} of {what} does not fit into {_told(found[-1])}", "layers", k
            )
        if layer.kind == "softmax" and k != len(layers) - 1:
            raise key_problem("softmax goes over all outputs and must be last", "layers", k)
        found.append(after)
    if not any(sum(layer.weights_and_biases(found[0])) for layer in layers):
        raise key_problem("no layer has parameters: there is nothing to train", "layers")
    return tuple(found)


def _told(shape: Shape) -> str:
    return f"{shape[0]} channels of {shape[1]} × {shape[2]}"
