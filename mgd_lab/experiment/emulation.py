"""Keys of a chip file that describe an emulated chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.chain import LayerSettings, Shape, shapes
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.imperfections import Imperfections

Activation = Literal["sigmoid", "tanh", "relu", "linear", "softmax"]
Precision = Literal["float64", "float32"]
EngineChoice = Literal["auto", "numpy", "compiled", "torch"]
DeviceChoice = Literal["auto", "cpu", "cuda"]

SMALLEST_FLOAT32_AMPLITUDE = float(np.float32(1e-4))
"""Parameters that move by less change a cost in float32 by its rounding, for the most part."""

_KINDS_OF: Mapping[str, tuple[str, ...]] = {
    "layers": ("mlp", "chain"),
    "activation": ("mlp",),
    "output_activation": ("mlp",),
    "input": ("chain", "torch"),
    "module": ("torch",),
    "arguments": ("torch",),
    "output": ("torch",),
}


class NetworkSettings(Alternatives):
    """A multilayer perceptron, a chain of layers that are spelled out, or a module of PyTorch."""

    kind: Literal["mlp", "chain", "torch"] = "mlp"
    layers: tuple[Annotated[int, Field(ge=1)] | LayerSettings, ...] = Field(
        default=(),
        description="of an mlp the widths: inputs, hidden layers, outputs; of a chain its layers",
    )
    activation: Literal["sigmoid", "tanh", "relu", "linear"] = "sigmoid"
    output_activation: Activation = "sigmoid"
    input: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        default=None,
        description="of a chain: channels, rows, columns of one sample; of a torch network its "
        "sizes, however many",
    )
    module: str | None = Field(
        default=None,
        description="of a torch network: FILE.py:CLASS, beside the chip file, or package.module:"
        "CLASS; a torch.nn.Module. Its Python is executed when the chip is built",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="of a torch network: what its class is called with"
    )
    output: Literal["values", "probabilities"] | None = Field(
        default=None,
        description="of a torch network: probabilities where its outputs are non-negative and sum "
        "to 1 (null: as its last module, if Softmax, says)",
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
        """Keys of the other kinds."""
        return {
            key: f"{key} belongs to kind {' and '.join(kinds)}, not to {self.kind}"
            for key, kinds in _KINDS_OF.items()
            if self.kind not in kinds
        }

    @field_validator("layers")
    @classmethod
    def _be_long_enough(
        cls, layers: tuple[int | LayerSettings, ...], info: ValidationInfo
    ) -> tuple[int | LayerSettings, ...]:
        shortest = {"mlp": 2, "chain": 1}.get(info.data.get("kind", ""), 0)
        if 0 < len(layers) < shortest:
            raise key_problem(f"expected a length of at least {shortest}, got {len(layers)}")
        return layers

    @model_validator(mode="after")
    def _be_whole(self) -> Self:
        if not self.layers and self.kind != "torch":
            what = "widths, a length of at least 2"
            if self.kind == "chain":
                what = "layers (kind: conv, …), a length of at least 1"
            raise key_problem(f"a network of kind {self.kind} needs its {what}", "layers")
        for k, layer in enumerate(self.layers):
            if isinstance(layer, int) != (self.kind == "mlp"):
                expected = "a width" if self.kind == "mlp" else "a layer (kind: conv, …)"
                raise key_problem(f"a network of kind {self.kind} has {expected} here", "layers", k)
        if self.kind == "chain":
            shapes(self.shape, self.chain)
        if self.kind == "torch":
            self._check_module()
        return self

    def _check_module(self) -> None:
        name = self.module or ""
        if not all(name.rpartition(":")[::2]):
            raise key_problem(
                "a network of kind torch needs FILE.py:CLASS, or package.module:CLASS"
                + (f"; got {name!r}" if name else ""),
                "module",
            )
        if not self.input:
            raise key_problem(
                "a network of kind torch needs the shape of one sample, as in [3, 32, 32] or [49]",
                "input",
            )


class EmulationSettings(Settings):
    """What is emulated, and how."""

    network: NetworkSettings
    precision: Precision = Field(
        default="float64", description="of the arithmetic; float32 refuses amplitudes below 1e-4"
    )
    engine: EngineChoice = Field(
        default="auto",
        description="what computes: compiled where Numba is installed, or numpy; torch for a torch "
        "network, and on a GPU",
    )
    device: DeviceChoice = Field(
        default="auto", description="of the engine torch: auto is cuda where there is a GPU"
    )
    probes_together: int | None = Field(
        default=None,
        ge=1,
        description="of the engine torch: how many it computes together (null: 1 on a CPU, 512 on "
        "a GPU); more than 1 changes the last digits from block to block",
    )
    imperfections: Imperfections | None = Field(
        default=None, description="what is wrong with the chip; a perfect one unless given"
    )
    seed: int = Field(default=0, ge=0, lt=2**64, description="of the chip's own randomness")
    latency_seconds: float = Field(default=0.0, ge=0, description="added to every exchange")
    record_extremes: bool = Field(
        default=False, description="keep the extremes of every parameter, and report them"
    )
