"""Training by random ± codes as one would write it in Numba in ten minutes: no logs, no limits.

Signs from NumPy's generator, dot products, a few arrays a step; compiled with Numba's defaults.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUntypedFunctionDecorator=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false

from __future__ import annotations

import numba
import numpy as np


@numba.njit
def sigmoid(a):
    """1/(1 + e^−a)."""
    return 1.0 / (1.0 + np.exp(-a))


@numba.njit
def cost(theta, x, t, hidden):
    """Mean squared error of one hidden layer and one of outputs; weights, then biases."""
    inputs, outputs = len(x), len(t)
    first, second = hidden * inputs, outputs * hidden
    w1 = theta[:first].reshape(hidden, inputs)
    w2 = theta[first : first + second].reshape(outputs, hidden)
    b1 = theta[first + second : first + second + hidden]
    b2 = theta[first + second + hidden :]
    y = sigmoid(w2 @ sigmoid(w1 @ x + b1) + b2)
    return np.mean((y - t) ** 2)


@numba.njit
def train(theta, inputs, targets, hidden, amplitude, rate, steps):
    """Steps of τ_p = τ_x = τ_θ = 1 with a measured baseline; θ float64 (P,) is changed."""
    for _ in range(steps):
        sample = np.random.randint(len(inputs))  # noqa: NPY002 (what Numba knows)
        x, t = inputs[sample], targets[sample]
        signs = 2.0 * np.random.randint(0, 2, len(theta)) - 1.0  # noqa: NPY002
        perturbation = amplitude * signs
        modulation = cost(theta + perturbation, x, t, hidden) - cost(theta, x, t, hidden)
        theta -= rate * modulation * perturbation / amplitude**2
    return theta
