"""Data sets with seeded splits, and accuracy."""

from mgd_lab.datasets.accuracy import accuracy
from mgd_lab.datasets.arrays import TargetColumns, arrays
from mgd_lab.datasets.cifar10 import cifar10
from mgd_lab.datasets.data_set import DataSet, SplitName, TargetKind
from mgd_lab.datasets.digits import digits
from mgd_lab.datasets.fashion_mnist import fashion_mnist
from mgd_lab.datasets.idx_images import ImageFiles, idx_images
from mgd_lab.datasets.nist7x7 import CLASSES, nist7x7
from mgd_lab.datasets.parity import MOST_BITS, parity
from mgd_lab.datasets.splitting import split_by_name, split_indices

__all__ = [
    "CLASSES",
    "MOST_BITS",
    "DataSet",
    "ImageFiles",
    "SplitName",
    "TargetColumns",
    "TargetKind",
    "accuracy",
    "arrays",
    "cifar10",
    "digits",
    "fashion_mnist",
    "idx_images",
    "nist7x7",
    "parity",
    "split_by_name",
    "split_indices",
]
