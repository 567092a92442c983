"""From an experiment to a reference that can be trained; no chip is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.initial import initial_parameters
from mgd_lab.bench.task import check_fit, cost_function, data_set, evaluation_set
from mgd_lab.chip import ChipDescription
from mgd_lab.controller import EvaluationSet
from mgd_lab.costs import CostFunction
from mgd_lab.datasets import DataSet
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.experiment import EmulationSettings, Experiment, NetworkSettings
from mgd_lab.reference.backpropagation import Backpropagation
from mgd_lab.reference.cost import CostInTorch
from mgd_lab.reference.network import DifferentiableNetwork
from mgd_lab.reference.plan import Plan, plan_of
from mgd_lab.reference.pytorch import Torch
from sim_instruments.emulated import EmulatedChip, emulated_chip
from sim_instruments.emulated_network import network_of


@dataclass(frozen=True)
class Prepared:
    """An experiment's network without a chip's imperfections and limits, its data and start.

    `theta` is (P,), float64.
    """

    settings: NetworkSettings
    description: ChipDescription
    data: DataSet
    train_inputs: NDArray[np.float32]
    train_targets: NDArray[np.float32]
    cost: CostFunction
    evaluation: EvaluationSet
    theta: NDArray[np.float64]
    plan: Plan


def prepare(experiment: Experiment) -> Prepared:
    """Everything that can be judged without PyTorch.

    Raises:
        ConfigurationError, CapabilityError, DataError, LimitError: the experiment does not fit.
    """
    network = _network_settings(experiment)
    if experiment.training.initial.source == "chip":
        raise CapabilityError(
            "training.initial.from: chip: what a chip holds is not known to a reference, which "
            "opens none; take from: run, with the run that it is to be compared with"
        )
    if not isinstance(experiment.task.cost, str):
        raise CapabilityError(
            "task.cost: reference needs a cost that PyTorch can differentiate, and a function of "
            "your own is NumPy's; take mse or cross_entropy"
        )
    data = data_set(experiment.task, experiment.seed)
    chip = _ideal_chip(network, experiment.chip.name)
    description = chip.description
    check_fit(data, experiment.task, description)
    inputs, targets = data.split("train")
    return Prepared(
        settings=network,
        description=description,
        data=data,
        train_inputs=inputs,
        train_targets=targets,
        cost=cost_function(experiment.task, description, targets),
        evaluation=evaluation_set(data, experiment.evaluate, experiment.seed),
        theta=initial_parameters(experiment.training.initial, experiment.seed, chip),
        plan=plan_of(experiment.reference, len(inputs)),
    )


def learner(
    torch: Torch, prepared: Prepared, experiment: Experiment, device: str
) -> Backpropagation:
    """What trains it."""
    settings = experiment.reference
    network = DifferentiableNetwork(
        torch, network_of(prepared.settings), settings.precision, device
    )
    return Backpropagation(
        torch,
        network,
        CostInTorch(torch, prepared.cost),
        prepared.train_inputs,
        prepared.train_targets,
        prepared.theta,
        settings,
        device,
    )


def _network_settings(experiment: Experiment) -> NetworkSettings:
    network: Any = getattr(experiment.chip, "network", None)
    if not isinstance(network, NetworkSettings):
        raise ConfigurationError(
            f"chip: reference needs the key network, which driver {experiment.chip.driver!r} does "
            "not give here: what a chip of hardware computes is not known. Name an emulated chip "
            "of the same network with --chip FILE"
        )
    return network


def _ideal_chip(network: NetworkSettings, name: str) -> EmulatedChip:
    # It is described, never asked: the engine that takes least to build.
    engine = "torch" if network.kind == "torch" else "numpy"
    return emulated_chip(EmulationSettings(network=network, engine=engine), name)
