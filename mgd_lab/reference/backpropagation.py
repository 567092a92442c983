"""Updates by the gradient that autograd finds, and evaluations, on one device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from mgd_lab.controller import EvaluationSet
from mgd_lab.datasets import accuracy
from mgd_lab.errors import MeasurementError
from mgd_lab.experiment import Reference
from mgd_lab.reference.cost import CostInTorch
from mgd_lab.reference.network import DifferentiableNetwork
from mgd_lab.reference.pytorch import Tensor, Torch

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_EVALUATED_AT_ONCE = 1000


class Backpropagation:
    """θ ← θ − rule(∇ of the mean cost over a batch).

    Args:
        torch: the module.
        network, cost: what is differentiated.
        inputs, targets: the training split, (n, I) and (n, O); they are held on the device.
        theta: initial parameters (P,).
        settings: update rule and precision.
        device: "cpu" or "cuda".
    """

    def __init__(
        self,
        torch: Torch,
        network: DifferentiableNetwork,
        cost: CostInTorch,
        inputs: Float32,
        targets: Float32,
        theta: Float64,
        settings: Reference,
        device: str,
    ) -> None:
        self._torch = torch
        self._network = network
        self._cost = cost
        self._device = device
        self._type = getattr(torch, settings.precision)
        self._inputs, self._targets = self._placed(inputs), self._placed(targets)
        self._theta = torch.tensor(theta, dtype=self._type, device=device, requires_grad=True)
        self._optimizer = _optimizer(torch, self._theta, settings)

    @property
    def theta(self) -> Float64:
        """A copy of the parameters (P,)."""
        return self._theta.detach().cpu().numpy().astype(np.float64)

    def gradient(self, samples: NDArray[np.uint32]) -> Float64:
        """∇ of the mean cost over a batch (B,), (P,); it moves nothing."""
        self._differentiate(samples)
        found = self._theta.grad.detach().cpu().numpy().astype(np.float64)
        self._optimizer.zero_grad()
        return found

    def step(self, samples: NDArray[np.uint32]) -> None:
        """One update by the batch `samples` (B,); on a GPU it may return before it is done."""
        self._differentiate(samples)
        self._optimizer.step()

    def synchronise(self) -> None:
        """Waits until all updates are done."""
        if self._device == "cuda":
            self._torch.cuda.synchronize()

    def outputs(self, inputs: Float32) -> Float64:
        """inputs (n, I) → what the chip would return (n, O)."""
        with self._without_gradient():
            scores = self._scores(self._placed(inputs))
            return self._network.outputs(scores).cpu().numpy().astype(np.float64)

    def evaluate(
        self, evaluated: EvaluationSet, interrupted: Callable[[], bool]
    ) -> tuple[float, float | None] | None:
        """Mean cost and accuracy over the set; None altogether where it was interrupted.

        Raises:
            MeasurementError: the training has diverged.
        """
        costs: list[Float64] = []
        outputs: list[Float64] = []
        for start in range(0, len(evaluated.inputs), _EVALUATED_AT_ONCE):
            if interrupted():
                return None
            rows = slice(start, start + _EVALUATED_AT_ONCE)
            with self._without_gradient():
                scores = self._scores(self._placed(evaluated.inputs[rows]))
                targets = self._placed(evaluated.targets[rows]).to(self._type)
                costs.append(self._cost(scores, targets).cpu().numpy().astype(np.float64))
                shown = self._network.outputs(scores)
                outputs.append(shown.cpu().numpy().astype(np.float64))
        cost = float(np.concatenate(costs).mean())
        if not np.isfinite(cost):
            raise MeasurementError(
                f"reference: the mean cost of the {evaluated.split} split became {cost}: training "
                "has diverged. Lower reference.learning_rate"
            )
        return cost, accuracy(np.concatenate(outputs), evaluated.targets, evaluated.target_kind)

    def _differentiate(self, samples: NDArray[np.uint32]) -> None:
        rows = self._torch.from_numpy(samples.astype(np.int64)).to(self._device)
        targets = self._targets[rows].to(self._type)
        self._optimizer.zero_grad()
        self._cost(self._scores(self._inputs[rows]), targets).mean().backward()

    def _scores(self, inputs: Tensor) -> Tensor:
        return self._network.scores(self._theta, inputs.to(self._type))

    def _placed(self, values: Float32) -> Tensor:
        # PyTorch shares the memory of an array, and refuses to where it must not be written to.
        shared = values if values.flags.writeable else values.copy()
        return self._torch.from_numpy(shared).to(self._device)

    def _without_gradient(self) -> AbstractContextManager[None]:
        return self._torch.no_grad()


def _optimizer(torch: Torch, theta: Tensor, settings: Reference) -> Tensor:
    if settings.rule == "adam":
        return torch.optim.Adam(
            [theta],
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
        )
    momentum = settings.momentum if settings.rule == "momentum" else 0.0
    return torch.optim.SGD([theta], lr=settings.learning_rate, momentum=momentum)
