"""Multiplexed gradient descent as pure functions with explicit state: no chip, no clock, no I/O."""

from mgd_lab.algorithm.analog import AnalogFilter, AnalogState
from mgd_lab.algorithm.compiled_correlation import AddSigned, add_signed
from mgd_lab.algorithm.estimate import correlate, mean_square_perturbation, norm_ratio
from mgd_lab.algorithm.learning_rate import LearningRate
from mgd_lab.algorithm.locking import locked
from mgd_lab.algorithm.modulation_clamp import ClampState, ModulationClamp
from mgd_lab.algorithm.node_estimate import (
    add_in_order,
    convolution_gradient,
    dense_gradient,
)
from mgd_lab.algorithm.schedule import Baseline, Plan, Schedule
from mgd_lab.algorithm.update_rules import Adam, GradientDescent, Momentum, State, UpdateRule

__all__ = [
    "Adam",
    "AddSigned",
    "AnalogFilter",
    "AnalogState",
    "Baseline",
    "ClampState",
    "GradientDescent",
    "LearningRate",
    "ModulationClamp",
    "Momentum",
    "Plan",
    "Schedule",
    "State",
    "UpdateRule",
    "add_in_order",
    "add_signed",
    "convolution_gradient",
    "correlate",
    "dense_gradient",
    "locked",
    "mean_square_perturbation",
    "norm_ratio",
]
