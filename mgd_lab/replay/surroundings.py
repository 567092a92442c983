"""Whether a replay computes on what the run computed on: bits may depend on it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from typing import Any

from mgd_lab.run_store.environment import cpu_model, numpy_cpu_features, package_versions
from mgd_lab.version import __version__


def differing_surroundings(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences, one for each difference between the run's record and this process."""
    packages: Mapping[str, Any] = environment.get("packages") or {}
    pairs = (
        ("MGD Lab", environment.get("mgd_lab"), __version__),
        ("NumPy", packages.get("numpy"), package_versions().get("numpy")),
        ("Python", environment.get("python"), platform.python_version()),
        ("machine", environment.get("machine"), platform.machine()),
        ("byte order", environment.get("byte_order"), sys.byteorder),
        ("processor", environment.get("cpu"), cpu_model()),
    )
    found = [
        f"the run had {name} {then}, this is {now}" for name, then, now in pairs if then != now
    ]
    if environment.get("numpy_cpu_features") != numpy_cpu_features():
        found.append("NumPy uses other instruction sets of the processor than in the run")
    return tuple(found)
