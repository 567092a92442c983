"""Where the nodes of a network stand, whose pre-activations a chip can perturb."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeLayer:
    """A layer with parameters: its nodes, what enters it, and its share of θ.

    A node is one place of one output. Dense: a[o] = Σ_i W[o, i] x[i] + b[o], one place an output.
    Convolution: a[o, r, c] = Σ W[o, j, k, l] x[j, r + k, c + l] + b[o]; there is no padding. Nodes
    are counted layer by layer, within a layer in row-major order.

    Attributes:
        weights: place of its first weight in θ; they are row-major, outputs × fan-in.
        biases: place of its first bias in θ, one an output.
        outputs: neurons, or output channels.
        entering: channels, rows and columns of what enters, row-major where it is reported; a
            dense layer takes all of it.
        kernel: rows and columns of a convolution's kernel; None for a dense layer.
    """

    weights: int
    biases: int
    outputs: int
    entering: tuple[int, int, int]
    kernel: tuple[int, int] | None = None

    @property
    def width(self) -> int:
        """Numbers that enter."""
        return math.prod(self.entering)

    @property
    def fan_in(self) -> int:
        """Weights of an output."""
        return self.width if self.kernel is None else self.entering[0] * math.prod(self.kernel)

    @property
    def places(self) -> tuple[int, int]:
        """Rows and columns of an output's nodes."""
        if self.kernel is None:
            return 1, 1
        return self.entering[1] - self.kernel[0] + 1, self.entering[2] - self.kernel[1] + 1

    @property
    def nodes(self) -> int:
        """Nodes of the layer."""
        return self.outputs * math.prod(self.places)
