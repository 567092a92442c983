"""How a block is measured: probe by probe, or as lists that the instruments play by themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.bench.boxes import Boxes
from drivers.bench.wiring import Meters, Readings, Sources
from mgd_lab.errors import CapabilityError
from mgd_lab.experiment.bench_mapping import BenchMapping, Trigger

Float64 = NDArray[np.float64]


class Timing(Protocol):
    """One of the two."""

    def measure(self, levels: Float64) -> Readings:
        """Levels (n, K), one row a probe → readings, row k of them of probe k and no other.

        Raises:
            LinkError: that could not be proved; nothing was returned.
        """
        ...


@dataclass(frozen=True)
class Choice:
    """Which of the two, and why."""

    kind: Literal["software", "hardware"]
    reason: str


def choose_timing(
    bench: BenchMapping, boxes: Boxes, sources: Sources, meters: Meters, slew_limited: bool
) -> Choice:
    """What the chip file asks for; `auto` takes hardware where nothing stands against it.

    Raises:
        CapabilityError: hardware is asked for, and something stands against it.
    """
    if bench.timing == "software":
        return Choice("software", "the chip file asks for it")
    obstacles = _obstacles(bench, boxes, sources, meters)
    if slew_limited:
        obstacles.append("a list cannot keep slew_per_second")
    if not obstacles:
        return Choice("hardware", f"{bench.conductor} conducts, and all others follow its triggers")
    if bench.timing == "hardware":
        raise CapabilityError(
            f"timing: hardware is not possible: {'; '.join(obstacles)}. Use timing: auto or "
            "software, or change what stands against it"
        )
    return Choice("software", f"hardware timing is not possible: {'; '.join(obstacles)}")


def players(sources: Sources) -> tuple[str, ...]:
    """Instruments whose levels change from probe to probe."""
    moving = np.concatenate([sources.trained, sources.inputs, sources.targets])
    return tuple(
        name for name, columns in sources.columns.items() if np.isin(columns, moving).any()
    )


def _obstacles(bench: BenchMapping, boxes: Boxes, sources: Sources, meters: Meters) -> list[str]:
    conductor = bench.conductor
    if conductor is None:
        return ["no conductor is named"]
    playing = players(sources)
    found = [f"{name} plays no lists" for name in playing if name not in boxes.players]
    found += [
        f"{name} does not count its steps, so that nothing proves which of them a reading belongs "
        f"to (uncounted: [{name}] takes your word for its trigger cable)"
        for name in playing
        if name in boxes.players
        and not boxes.players[name].counts_steps
        and name not in bench.uncounted
    ]
    if conductor not in playing:
        found.append(f"the conductor {conductor} drives nothing that changes from probe to probe")
    found += [f"{name} has no buffer" for name in meters.names if name not in boxes.buffers]
    found += [
        f"{name} both plays lists and fills buffers"
        for name in meters.names
        if name in playing and name != conductor
    ]
    reached = _reached(conductor, bench.cables)
    found += [
        f"no trigger cable leads from {conductor} to {name}"
        for name in dict.fromkeys([*playing, *meters.names])
        if name not in reached
    ]
    return found


def _reached(conductor: str, cables: Sequence[Trigger]) -> Collection[str]:
    reached = {conductor}
    while True:
        further = {cable.receiver for cable in cables if cable.sender in reached}
        if further <= reached:
            return reached
        reached |= further
