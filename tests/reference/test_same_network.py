"""PyTorch computes what the emulated chip computes, and its gradient is that of the cost."""

import numpy as np
import pytest

from mgd_lab.algorithm import Adam, GradientDescent, Momentum
from mgd_lab.costs import CostFunction
from mgd_lab.errors import MeasurementError
from mgd_lab.experiment import Reference
from mgd_lab.reference.backpropagation import Backpropagation
from mgd_lab.reference.cost import CostInTorch
from mgd_lab.reference.network import DifferentiableNetwork
from sim_instruments.emulated import EmulatedChip
from sim_instruments.engines import engine_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")

SAMPLES = 7
COSTS = {
    "mse": {"kind": "mse"},
    "cross-entropy": {"kind": "cross_entropy"},
    "smoothed": {"kind": "cross_entropy", "label_smoothing": 0.1},
}


class Pair:
    """The emulated chip and the learner, with the same θ, data and cost."""

    def __init__(self, network, random, cost, **settings):
        self.cost = CostFunction(**cost, probabilities=network.gives_probabilities)
        self.chip = EmulatedChip(network, engine=engine_of(network, "numpy", "float64"))
        self.chip.set_cost(self.cost)
        self.theta = random.normal(0, 0.7, network.parameters)
        self.inputs = random.uniform(-1, 1, (SAMPLES, network.inputs)).astype(np.float32)
        classes = random.integers(network.outputs, size=SAMPLES)
        self.targets = np.eye(network.outputs, dtype=np.float32)[classes]
        self.learner = Backpropagation(
            torch,
            DifferentiableNetwork(torch, network, "float64", "cpu"),
            CostInTorch(torch, self.cost),
            self.inputs,
            self.targets,
            self.theta,
            Reference.model_validate({"precision": "float64", **settings}),
            "cpu",
        )

    def mean_cost(self, theta):
        return self.chip.costs(theta, self.inputs, self.targets).mean()


@pytest.fixture(params=COSTS)
def pair(network, random, request):
    return Pair(network, random, COSTS[request.param])


def test_outputs_are_those_of_the_chip(pair):
    found = pair.learner.outputs(pair.inputs)
    expected = pair.chip.outputs(pair.theta, pair.inputs)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_costs_are_those_of_the_chip(pair):
    scores = torch.from_numpy(np.log(pair.targets * 0.8 + 0.05).astype(np.float64))
    outputs = scores.softmax(1) if pair.cost.probabilities else scores
    found = CostInTorch(torch, pair.cost)(scores, torch.from_numpy(pair.targets).double())
    expected = pair.cost(outputs.numpy(), pair.targets)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)


def test_the_gradient_is_that_of_the_chips_cost(pair):
    gradient = pair.learner.gradient(np.arange(SAMPLES, dtype=np.uint32))
    for k in range(0, len(gradient), max(1, len(gradient) // 12)):
        ahead, behind = pair.theta.copy(), pair.theta.copy()
        ahead[k] += 1e-5
        behind[k] -= 1e-5
        slope = (pair.mean_cost(ahead) - pair.mean_cost(behind)) / 2e-5
        assert gradient[k] == pytest.approx(slope, rel=1e-5, abs=1e-9)
    np.testing.assert_array_equal(pair.learner.theta, pair.theta)


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum(0.8), Adam(0.8, 0.95, 1e-7)])
def test_update_rules_are_those_of_the_host(random, rule):
    from sim_instruments.network import MultilayerPerceptron

    numbers = {"momentum": 0.8} if isinstance(rule, Momentum) else {}
    if isinstance(rule, Adam):
        numbers = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-7}
    name = {"GradientDescent": "sgd", "Momentum": "momentum", "Adam": "adam"}[type(rule).__name__]
    network = MultilayerPerceptron((3, 4, 2))
    pair = Pair(network, random, COSTS["mse"], rule=name, learning_rate=0.1, **numbers)
    theta, state = pair.theta, rule.init(len(pair.theta))
    for k in range(5):
        samples = np.array([k, k + 1, k], np.uint32)
        change, state = rule.update(state, pair.learner.gradient(samples), 0.1)
        theta = theta + change
        pair.learner.step(samples)
    np.testing.assert_allclose(pair.learner.theta, theta, rtol=0, atol=1e-12)
    assert np.abs(theta - pair.theta).max() > 1e-3


def test_a_module_that_gives_probabilities(random):
    from sim_instruments.torch_network import TorchNetwork

    torch.manual_seed(1)
    layers = [torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3), torch.nn.Softmax(1)]
    module = torch.nn.Sequential(*layers).double()
    network = TorchNetwork(module, (3,), 3, gives_probabilities=True, title="module")
    inputs = random.uniform(-1, 1, (5, 3)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    theta = random.normal(0, 1, network.parameters)
    cost = CostFunction("cross_entropy", probabilities=True)
    found = DifferentiableNetwork(torch, network, "float64", "cpu")
    scores = found.scores(torch.from_numpy(theta), torch.from_numpy(inputs).double())
    expected = network.forward(theta[None], inputs.astype(np.float64))
    np.testing.assert_allclose(found.outputs(scores).numpy(), expected, rtol=0, atol=1e-12)
    costs = CostInTorch(torch, cost)(scores, torch.from_numpy(targets).double())
    np.testing.assert_allclose(costs.numpy(), cost(expected, targets), rtol=0, atol=1e-12)


def test_a_training_that_diverges_is_told(random):
    from mgd_lab.controller import EvaluationSet
    from sim_instruments.network import MultilayerPerceptron

    network = MultilayerPerceptron((3, 4, 2), output_activation="linear")
    pair = Pair(network, random, COSTS["mse"], rule="sgd", learning_rate=1e200)
    for _ in range(3):
        pair.learner.step(np.arange(3, dtype=np.uint32))
    shown = EvaluationSet("train", pair.inputs, pair.targets, "one_hot")
    with pytest.raises(MeasurementError, match=r"diverged\. Lower reference\.learning_rate"):
        pair.learner.evaluate(shown, lambda: False)
