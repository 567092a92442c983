"""Backpropagation on the network of an experiment: what MGD is compared with."""

from mgd_lab.reference.result import BACKPROPAGATION, ReferenceResult
from mgd_lab.reference.running import execute_reference, run_reference

__all__ = ["BACKPROPAGATION", "ReferenceResult", "execute_reference", "run_reference"]
