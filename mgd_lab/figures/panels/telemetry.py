"""Telemetry of the channels that share a unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mgd_lab.figures.number_text import steps_text
from mgd_lab.figures.panels.panel import legend_above
from mgd_lab.figures.run_curves import RunCurves
from mgd_lab.figures.scales import round_ticks
from mgd_lab.figures.style import DASHES, PALETTE, Axes, colour, dashes
from mgd_lab.figures.telemetry_bins import ChannelBins

# More would not stand beside the panel's letter.
_LEGEND_CHARACTERS = 46
_HANDLE_CHARACTERS = 6
# Numbers without a unit that differ by more are none of a kind.
_LIKE_SIZE = 30.0
_LONG_NUMBER = 1e4


class TelemetryPanel:
    """A line a channel, over the band from lowest to highest where readings were joined."""

    def __init__(self, unit: str, names: Sequence[str]) -> None:
        self._unit = unit
        self._names = tuple(names)

    def shows(self, run: RunCurves) -> bool:
        """Where one of the channels gave a reading."""
        return bool(self._channels(run))

    def draw(self, axes: Axes, runs: Sequence[RunCurves]) -> None:
        """The channels of a single run have a colour each, those of several the run's."""
        what = self._names[0] if len(self._names) == 1 else "Telemetry"
        axes.set_ylabel(f"{what} ({self._unit})" if self._unit else what)
        for k, run in enumerate(runs):
            for j, channel in enumerate(self._channels(run)):
                if len(runs) == 1:
                    style = DASHES[j // len(PALETTE) % len(DASHES)]
                    _line(axes, channel, PALETTE[j % len(PALETTE)], style)
                else:
                    _line(axes, channel, colour(k), dashes(k))
        if len(runs) == 1 and len(self._names) > 1:
            _legend(axes, [channel.name for channel in self._channels(runs[0])])
        round_ticks(axes)
        low, high = axes.get_ylim()
        if max(abs(low), abs(high)) >= _LONG_NUMBER:
            axes.yaxis.set_major_formatter(steps_text)

    def _channels(self, run: RunCurves) -> list[ChannelBins]:
        return [c for c in run.telemetry if (c.unit, c.name) in self._wanted and len(c.step)]

    @property
    def _wanted(self) -> set[tuple[str, str]]:
        return {(self._unit, name) for name in self._names}


def telemetry_panels(runs: Sequence[RunCurves]) -> list[TelemetryPanel]:
    """One for each unit; channels without a unit share one where they are of like size."""
    sizes: dict[str, dict[str, float]] = {}
    for run in runs:
        for channel in run.telemetry:
            if len(channel.step):
                of_unit = sizes.setdefault(channel.unit, {})
                size = float(max(np.abs(channel.low).max(), np.abs(channel.high).max()))
                of_unit[channel.name] = max(size, of_unit.get(channel.name, 0.0))
    return [
        TelemetryPanel(unit, names)
        for unit, channels in sizes.items()
        for names in ([list(channels)] if unit else _of_like_size(channels))
    ]


def _of_like_size(channels: dict[str, float]) -> list[list[str]]:
    groups: list[list[str]] = []
    limit = 0.0
    for name, size in sorted(channels.items(), key=lambda item: item[1]):
        if not groups or size > limit > 0.0:
            groups.append([])
        if limit == 0.0 or size > limit:
            limit = _LIKE_SIZE * size
        groups[-1].append(name)
    return groups


def _line(axes: Axes, channel: ChannelBins, line_colour: str, style: object) -> None:
    marker = "o" if len(channel.step) == 1 else ""
    axes.plot(channel.step, channel.mean, color=line_colour, ls=style, lw=0.8, marker=marker)
    if (channel.high > channel.low).any():
        axes.fill_between(
            channel.step, channel.low, channel.high, color=line_colour, alpha=0.2, lw=0
        )


def _legend(axes: Axes, names: Sequence[str]) -> None:
    """As many names as there is room for; lines stand in the order of the names."""
    widths = np.cumsum([len(name) + _HANDLE_CHARACTERS for name in names])
    shown = int(np.count_nonzero(widths <= _LEGEND_CHARACTERS))
    handles, texts = list(axes.lines[:shown]), list(names[:shown])
    if shown < len(names):
        (nothing,) = axes.plot([], [], ls="")
        handles.append(nothing)
        texts.append(f"and {len(names) - shown} more" if shown else f"{len(names)} channels")
    legend_above(axes, len(texts), handles=handles, texts=texts)
