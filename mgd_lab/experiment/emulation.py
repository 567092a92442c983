"""Keys of a chip file that describe an emulated chip."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mgd_lab.experiment.chip_settings import Settings

Activation = Literal["sigmoid", "tanh", "relu", "linear", "softmax"]


class NetworkSettings(Settings):
    """A multilayer perceptron."""

    kind: Literal["mlp"] = "mlp"
    layers: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        min_length=2, description="widths: inputs, hidden layers, outputs"
    )
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid"
    output_activation: Activation = "sigmoid"


class EmulationSettings(Settings):
    """What is emulated, and how."""

    network: NetworkSettings
    precision: Literal["float64"] = "float64"
    engine: Literal["auto", "numpy"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**64, description="of the chip's own randomness")
    latency_seconds: float = Field(default=0.0, ge=0, description="added to every exchange")
