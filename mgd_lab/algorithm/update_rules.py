"""Update rules: how θ moves, given G. Pure `init` and `update` pairs with explicit state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
State = Mapping[str, NDArray[Any]]


class UpdateRule(Protocol):
    """`update` returns the change of θ (to be added) and the state after it."""

    def init(self, parameters: int) -> State: ...

    def update(self, state: State, gradient: Float64, rate: float) -> tuple[Float64, State]: ...


@dataclass(frozen=True)
class GradientDescent:
    """Δθ = −η G."""

    def init(self, parameters: int) -> State:  # noqa: ARG002 (it has no memory)
        """No memory."""
        return {}

    def update(self, state: State, gradient: Float64, rate: float) -> tuple[Float64, State]:
        """gradient G (P,), rate η → Δθ (P,)."""
        return -rate * gradient, state


@dataclass(frozen=True)
class Momentum:
    """v ← β v + G, Δθ = −η v (Polyak's heavy ball)."""

    momentum: float = 0.9

    def init(self, parameters: int) -> State:
        """v = 0."""
        return {"velocity": np.zeros(parameters)}

    def update(self, state: State, gradient: Float64, rate: float) -> tuple[Float64, State]:
        """gradient G (P,), rate η → Δθ (P,)."""
        velocity = self.momentum * state["velocity"] + gradient
        return -rate * velocity, {"velocity": velocity}


@dataclass(frozen=True)
class Adam:
    """Kingma and Ba, ICLR 2015, Algorithm 1, with running products in place of powers of β."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def init(self, parameters: int) -> State:
        """m = v = 0; both products of β are 1."""
        return {
            "mean": np.zeros(parameters),
            "square": np.zeros(parameters),
            "products": np.ones(2),
        }

    def update(self, state: State, gradient: Float64, rate: float) -> tuple[Float64, State]:
        """gradient G (P,), rate η → Δθ (P,)."""
        mean = self.beta1 * state["mean"] + (1.0 - self.beta1) * gradient
        square = self.beta2 * state["square"] + (1.0 - self.beta2) * (gradient * gradient)
        products = state["products"] * np.array([self.beta1, self.beta2])
        corrected_mean = mean / (1.0 - products[0])
        corrected_square = square / (1.0 - products[1])
        change = -rate * corrected_mean / (np.sqrt(corrected_square) + self.epsilon)
        return change, {"mean": mean, "square": square, "products": products}
