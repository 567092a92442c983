"""What a bench says of itself as a chip, and how long its probes take by its instruments' times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drivers.bench.boxes import Boxes
from drivers.bench.lanes import Lanes
from drivers.bench.list_plan import ListPlan
from drivers.bench.settings import BenchSettings
from drivers.bench.software_timing import waiting_seconds
from drivers.bench.wiring import Meters, Sources
from mgd_lab.chip import ChipDescription, ParameterGroup, Rung, TelemetryChannel
from mgd_lab.experiment import narrowed
from mgd_lab.experiment.bench_terminals import ParameterMap

_BLOCK_SECONDS = 5.0
_SMALLEST_BLOCK, _LARGEST_BLOCK = 16, 4096
_LIST_EXCHANGES = 4


@dataclass(frozen=True)
class ProbeTimes:
    """By the instruments' own times: of a probe, and of what comes once a block, in seconds."""

    probe: float
    block: float


def software_times(boxes: Boxes, sources: Sources, meters: Meters, lanes: Lanes) -> ProbeTimes:
    """Every source is told, the slowest level settles, the slowest meter reads."""
    telling = lanes.spans({name: boxes.all[name].times.exchange for name in sources.columns})
    moving = np.concatenate([sources.trained, sources.inputs, sources.targets])
    settling = float(sources.settle_seconds[moving].max()) - waiting_seconds(boxes, meters)
    reading = lanes.spans(
        {
            name: times.exchange + meters.reads * (times.reading + times.transfer)
            for name in meters.names
            for times in (boxes.all[name].times,)
        }
    )
    return ProbeTimes(telling + max(0.0, settling) + reading, telling)


def hardware_times(
    boxes: Boxes, sources: Sources, meters: Meters, lanes: Lanes, plan: ListPlan
) -> ProbeTimes:
    """Steps, and the transfer of lists and readings; loading, arming and asking once a block."""
    steps = plan.steps_per_probe
    lists = lanes.spans(
        {
            name: steps * len(columns) * boxes.all[name].times.transfer
            for name, columns in sources.columns.items()
        }
    )
    fetched = lanes.spans({name: steps * boxes.all[name].times.transfer for name in meters.names})
    everything = [*sources.columns, *meters.names]
    exchanges = lanes.spans(
        {name: _LIST_EXCHANGES * boxes.all[name].times.exchange for name in everything}
    )
    return ProbeTimes(steps * plan.dwell_seconds + lists + fetched, exchanges)


def describe(settings: BenchSettings, times: ProbeTimes) -> ChipDescription:
    """The description, narrowed by the chip file's limits."""
    outputs = len(settings.outputs) or len(settings.cost.targets) or 1
    rungs: list[Rung] = []
    if settings.outputs:
        rungs.append("forward")
    if settings.cost.source == "instrument":
        rungs.append("cost")
    rungs.append("dense")
    own = ChipDescription(
        name=settings.name or "bench",
        groups=_groups(settings),
        inputs=len(settings.inputs),
        outputs=outputs,
        input_low=max(mapping.low for mapping in settings.inputs),
        input_high=min(mapping.high for mapping in settings.inputs),
        input_unit=settings.inputs[0].unit,
        output_kind=settings.output_kind,
        sample_memory=settings.sample_memory,
        largest_block=_largest_block(times),
        probe_seconds=times.probe,
        exchange_seconds=times.block,
        rungs=tuple(rungs),
        features=("output_switch",),
        telemetry=telemetry_channels(settings),
        simulated=settings.simulates,
    )
    return narrowed(own, settings.limits)


def telemetry_channels(settings: BenchSettings) -> tuple[TelemetryChannel, ...]:
    """Each parameter as its source reads it back, then what is watched beside."""
    read_back = settings.parameter_knobs if settings.readback else ()
    return tuple(
        TelemetryChannel(each.name, each.unit) for each in (*read_back, *settings.telemetry)
    )


def timing_report(kind: str, reason: str, times: ProbeTimes, largest_block: int) -> str:
    """Which timing, why, and the probes a second that the instruments' times allow."""
    seconds = times.probe + times.block / largest_block
    if seconds <= 0:
        return f"{kind}, of unknown speed ({reason})"
    rate = f"{1 / seconds:,.0f}" if seconds < 0.01 else f"{1 / seconds:.3g}"
    return f"{kind}, {rate} probes/s in large blocks by the instruments' own times ({reason})"


def _groups(settings: BenchSettings) -> tuple[ParameterGroup, ...]:
    counts: dict[str, int] = {}
    shared: dict[str, ParameterMap] = {}
    for run in settings.parameters:
        if run.trained:
            counts[run.group] = counts.get(run.group, 0) + run.trained
            shared[run.group] = run
    return tuple(
        ParameterGroup(
            name=name,
            count=counts[name],
            unit=run.unit,
            low=run.low,
            high=run.high,
            safe=run.safe,
            resolution=run.resolution,
            perturbation_resolution=run.perturbation_resolution,
        )
        for name, run in shared.items()
    )


def _largest_block(times: ProbeTimes) -> int:
    """So many probes as are measured in a moment: a run can be stopped between two blocks only."""
    if times.probe <= 0:
        return _LARGEST_BLOCK
    return int(np.clip(_BLOCK_SECONDS / times.probe, _SMALLEST_BLOCK, _LARGEST_BLOCK))
