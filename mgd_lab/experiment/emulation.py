"""Keys of a chip file that describe an emulated chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.chain import LayerSettings, Shape, shapes
from mgd_lab.experiment.chip_settings import Settings

Activation = Literal["sigmoid", "tanh", "relu", "linear", "softmax"]
Precision = Literal["float64", "float32"]
EngineChoice = Literal["auto", "numpy", "compiled"]

SMALLEST_FLOAT32_AMPLITUDE = float(np.float32(1e-4))
"""Parameters that move by less change a cost in float32 by its rounding, for the most part."""


class NetworkSettings(Alternatives):
    """A multilayer perceptron, or a chain of layers that are spelled out."""

    kind: Literal["mlp", "chain"] = "mlp"
    layers: tuple[Annotated[int, Field(ge=1)] | LayerSettings, ...] = Field(
        description="of an mlp the widths: inputs, hidden layers, outputs; of a chain its layers"
    )
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid"
    output_activation: Activation = "sigmoid"
    input: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        default=None, description="of a chain: channels, rows, columns of one sample"
    )

    @property
    def widths(self) -> tuple[int, ...]:
        """Layers of an mlp."""
        return tuple(layer for layer in self.layers if isinstance(layer, int))

    @property
    def shape(self) -> Shape:
        """Channels, rows and columns of one sample of a chain."""
        if self.input is None or len(self.input) != 3:
            raise key_problem(
                "a chain needs the shape of its input: [channels, rows, columns]", "input"
            )
        channels, rows, columns = self.input
        return channels, rows, columns

    @property
    def chain(self) -> tuple[LayerSettings, ...]:
        """Layers of a chain."""
        return tuple(layer for layer in self.layers if not isinstance(layer, int))

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of the other kind."""
        if self.kind == "mlp":
            return {"input": "input belongs to kind chain, not to mlp"}
        keys = ("activation", "output_activation")
        return {key: f"{key} belongs to kind mlp, not to chain" for key in keys}

    @field_validator("layers")
    @classmethod
    def _be_long_enough(
        cls, layers: tuple[int | LayerSettings, ...], info: ValidationInfo
    ) -> tuple[int | LayerSettings, ...]:
        shortest = 1 if info.data.get("kind") == "chain" else 2
        if len(layers) < shortest:
            raise key_problem(f"expected a length of at least {shortest}, got {len(layers)}")
        return layers

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        for k, layer in enumerate(self.layers):
            if isinstance(layer, int) != (self.kind == "mlp"):
                expected = "a width" if self.kind == "mlp" else "a layer (kind: conv, …)"
                raise key_problem(f"a network of kind {self.kind} has {expected} here", "layers", k)
        if self.kind == "chain":
            shapes(self.shape, self.chain)
        return self


class EmulationSettings(Settings):
    """What is emulated, and how."""

    network: NetworkSettings
    precision: Precision = Field(
        default="float64", description="of the arithmetic; float32 refuses amplitudes below 1e-4"
    )
    engine: EngineChoice = Field(
        default="auto", description="what computes: compiled where Numba is installed, or numpy"
    )
    seed: int = Field(default=0, ge=0, lt=2**64, description="of the chip's own randomness")
    latency_seconds: float = Field(default=0.0, ge=0, description="added to every exchange")
    record_extremes: bool = Field(
        default=False, description="keep the extremes of every parameter, and report them"
    )
