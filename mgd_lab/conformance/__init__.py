"""Contract tests for chips: ours, and those that a lab writes its own driver for."""

from mgd_lab.conformance.checking import check_built_chip, check_chip
from mgd_lab.conformance.registry import CHECKS, Check
from mgd_lab.conformance.verdict import CheckResult

__all__ = ["CHECKS", "Check", "CheckResult", "check_built_chip", "check_chip"]
