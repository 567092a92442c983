"""What `show` says of telemetry: a line a channel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mgd_lab.run_store import Run


@dataclass
class _Readings:
    last: float = math.nan
    low: float = math.nan
    high: float = math.nan


def telemetry_lines(run: Run) -> Iterator[str]:
    """Last, lowest and highest reading of each channel; nothing where there is none."""
    channels: dict[str, _Readings] = {}
    for block in run.telemetry_blocks():
        low, high = np.fmin.reduce(block.value), np.fmax.reduce(block.value)
        for k, name in enumerate(block.names):
            channel = channels.setdefault(name, _Readings())
            channel.last = float(block.value[-1, k])
            channel.low = float(np.fmin(channel.low, low[k]))
            channel.high = float(np.fmax(channel.high, high[k]))
    if not channels:
        return
    instants, _ = run.telemetry_counts()
    yield f"  telemetry       {instants:,} reading{'s' if instants > 1 else ''} a channel"
    width = max(map(len, channels))
    for name, channel in channels.items():
        unit = run.telemetry_units.get(name, "")
        yield f"    {name:<{width}}  {_text(channel, unit)}"


def _text(channel: _Readings, unit: str) -> str:
    if math.isnan(channel.low):
        return "no reading"
    last = "none" if math.isnan(channel.last) else _number(channel.last, unit)
    return f"{last}, {_number(channel.low)} … {_number(channel.high, unit)}"


def _number(value: float, unit: str = "") -> str:
    return f"{value:.6g} {unit}".rstrip()
