"""Multiplexed gradient descent as pure functions with explicit state: no chip, no clock, no I/O."""

from mgd_lab.algorithm.analog import AnalogFilter, AnalogState
from mgd_lab.algorithm.compiled_correlation import AddSigned, add_signed
from mgd_lab.algorithm.estimate import correlate, mean_square_perturbation
from mgd_lab.algorithm.learning_rate import LearningRate
from mgd_lab.algorithm.locking import locked
from mgd_lab.algorithm.schedule import Baseline, Plan, Schedule
from mgd_lab.algorithm.update_rules import Adam, GradientDescent, Momentum, State, UpdateRule

__all__ = [
    "Adam",
    "AddSigned",
    "AnalogFilter",
    "AnalogState",
    "Baseline",
    "GradientDescent",
    "LearningRate",
    "Momentum",
    "Plan",
    "Schedule",
    "State",
    "UpdateRule",
    "add_signed",
    "correlate",
    "locked",
    "mean_square_perturbation",
]
