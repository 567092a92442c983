"""Data sets with seeded splits, and accuracy."""

from mgd_lab.datasets.accuracy import accuracy
from mgd_lab.datasets.arrays import TargetColumns, arrays
from mgd_lab.datasets.data_set import DataSet, SplitName, TargetKind
from mgd_lab.datasets.nist7x7 import CLASSES, nist7x7
from mgd_lab.datasets.parity import MOST_BITS, parity
from mgd_lab.datasets.splitting import split_by_name, split_indices

__all__ = [
    "CLASSES",
    "MOST_BITS",
    "DataSet",
    "SplitName",
    "TargetColumns",
    "TargetKind",
    "accuracy",
    "arrays",
    "nist7x7",
    "parity",
    "split_by_name",
    "split_indices",
]
