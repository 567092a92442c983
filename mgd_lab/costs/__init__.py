"""Cost functions: the part of the specification that host and chips share.

A cost function maps outputs y and targets t of one sample to one number. All sums run from left
to right and every operation is elementwise, so what a sample costs does not depend on how many
samples are computed together.
"""

from mgd_lab.costs.function import CostFunction, CostKind, batch_mean
from mgd_lab.costs.user import UserFunction

__all__ = ["CostFunction", "CostKind", "UserFunction", "batch_mean"]
