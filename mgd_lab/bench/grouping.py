"""Whether what a probe costs depends, in its last digits, on which probes it is computed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim_instruments.torch_engine import TOGETHER


def grouping_of(identity: Mapping[str, Any]) -> str:
    """A sentence about a chip of this identity; empty where every way to ask gives the same bits.

    Chips that are emulated by the engine torch with several probes together say so.
    """
    firmware = str(identity.get("firmware", ""))
    _, found, probes = firmware.rpartition(TOGETHER)
    if not found:
        return ""
    return (
        f"the chip computes {probes} probes together (engine torch): the last digits of a cost "
        "depend on its block, so that rungs, block sizes and a resumed run agree closely, not bit "
        "for bit; chip.probes_together: 1 on device: cpu keeps every bit"
    )
