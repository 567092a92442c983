"""The same algorithm as a bare NumPy loop: no chip, no limits, no log, nothing to stop it.

What a careful user would write by hand for one network (inputs-hidden-outputs, sigmoid, mean
squared error), random codes and a measured baseline: the yardstick of `controller.py`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.codes import codes, sample_order

Float64 = NDArray[np.float64]

_AHEAD = 4096


def sigmoid(a: Float64) -> Float64:
    """1 / (1 + exp(−a))."""
    return 1.0 / (1.0 + np.exp(-a))


class Network:
    """An MLP with one hidden layer; parameters are all weights, then all biases."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        self.shape = (inputs, hidden, outputs)
        w1, w2 = hidden * inputs, outputs * hidden
        self.parameters = w1 + w2 + hidden + outputs
        self._cuts = (w1, w1 + w2, w1 + w2 + hidden)

    def one(self, theta: Float64, x: Float64) -> Float64:
        """theta (P,), x (I,) → (O,)."""
        inputs, hidden, outputs = self.shape
        a, b, c = self._cuts
        y = sigmoid(theta[:a].reshape(hidden, inputs) @ x + theta[b:c])
        return sigmoid(theta[a:b].reshape(outputs, hidden) @ y + theta[c:])

    def shared(self, theta: Float64, x: Float64) -> Float64:
        """One theta (P,) for all samples x (n, I) → (n, O)."""
        inputs, hidden, outputs = self.shape
        a, b, c = self._cuts
        y = sigmoid(x @ theta[:a].reshape(hidden, inputs).T + theta[b:c])
        return sigmoid(y @ theta[a:b].reshape(outputs, hidden).T + theta[c:])

    def each(self, theta: Float64, x: Float64) -> Float64:
        """A theta for each sample: (n, P), x (n, I) → (n, O)."""
        inputs, hidden, outputs = self.shape
        a, b, c = self._cuts
        n = len(x)
        w1 = theta[:, :a].reshape(n, hidden, inputs)
        y = sigmoid(np.matmul(w1, x[:, :, None])[:, :, 0] + theta[:, b:c])
        w2 = theta[:, a:b].reshape(n, outputs, hidden)
        return sigmoid(np.matmul(w2, y[:, :, None])[:, :, 0] + theta[:, c:])


def train(
    network: Network,
    x: Float64,
    t: Float64,
    theta: Float64,
    *,
    seed: int,
    steps: int,
    tau_theta: int,
    amplitude: float,
    learning_rate: float,
) -> Float64:
    """theta (P,) after `steps` steps of discrete MGD, τ_p = τ_x = 1."""
    theta = theta.copy()
    square = float(np.float32(amplitude)) ** 2
    ahead = max(tau_theta, _AHEAD // tau_theta * tau_theta)
    for first in range(0, steps, ahead):
        count = min(ahead, steps - first)
        perturbations = codes("random", seed, first, count, network.parameters) * np.float32(
            amplitude
        )
        order = sample_order("shuffled", seed, len(x), first, count)
        for n in range(0, count, tau_theta):
            if tau_theta == 1:
                i = order[n]
                baseline = np.mean((network.one(theta, x[i]) - t[i]) ** 2)
                cost = np.mean((network.one(theta + perturbations[n], x[i]) - t[i]) ** 2)
                gradient = (cost - baseline) * perturbations[n] / square
            else:
                window = slice(n, n + tau_theta)
                xs, ts = x[order[window]], t[order[window]]
                baselines = np.mean((network.shared(theta, xs) - ts) ** 2, axis=1)
                perturbed = theta + perturbations[window]
                costs = np.mean((network.each(perturbed, xs) - ts) ** 2, axis=1)
                gradient = (costs - baselines) @ perturbations[window] / square
            theta -= learning_rate * gradient
    return theta
