"""The parts of a bench, put together from its chip file; nothing is connected by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drivers.bench.boxes import Boxes
from drivers.bench.channel_checks import build_instruments
from drivers.bench.description import ProbeTimes, describe, hardware_times, software_times
from drivers.bench.hardware_timing import HardwareTiming
from drivers.bench.lanes import Lanes
from drivers.bench.levels import Levels
from drivers.bench.list_plan import list_plan
from drivers.bench.opening import Opening
from drivers.bench.real_time import RealTime
from drivers.bench.settings import BenchSettings
from drivers.bench.software_timing import SoftwareTiming
from drivers.bench.timing import Choice, Timing, choose_timing, players
from drivers.bench.watched import Watched
from drivers.bench.wiring import Meters, Sources
from mgd_lab.chip.bench_time import BenchTime, TimedLibrary


@dataclass(frozen=True)
class Parts:
    """What a bench is made of.

    Attributes:
        choice: which timing, and why.
        times: of a probe, by the instruments' own times.
    """

    time: BenchTime
    boxes: Boxes
    lanes: Lanes
    sources: Sources
    meters: Meters
    levels: Levels
    opening: Opening
    choice: Choice
    timing: Timing
    times: ProbeTimes
    watched: Watched


def parts_of(settings: BenchSettings, library: Any) -> Parts:
    """From a chip file, and a VISA library (or a `TimedLibrary`)."""
    time: BenchTime = RealTime()
    if isinstance(library, TimedLibrary):
        library, time = library.library, library.time
    boxes = Boxes.sorted(
        build_instruments(
            settings.instruments, settings.visa_library if library is None else library
        )
    )
    resources = {name: section.resource for name, section in settings.instruments.items()}
    lanes = Lanes(resources, time)
    envelope = describe(settings, ProbeTimes(0.0, 0.0))
    sources = Sources(
        boxes.all,
        settings.parameter_knobs,
        settings.input_knobs,
        settings.target_knobs,
        settle_seconds=settings.settle_seconds,
        envelope=envelope,
    )
    meters = Meters(settings, boxes.all)
    levels = Levels(boxes, sources, lanes, time)
    slew_limited = bool((envelope.slew_per_second > 0).any())
    choice = choose_timing(settings, boxes, sources, meters, slew_limited)
    timing: Timing = SoftwareTiming(boxes, levels, meters, lanes)
    times = software_times(boxes, sources, meters, lanes)
    if choice.kind == "hardware" and settings.conductor is not None:
        playing = players(sources)
        plan = list_plan(boxes, sources, meters, playing, settings.list_dwell_seconds)
        timing = HardwareTiming(
            settings.conductor, plan, boxes, sources, levels, meters, lanes, time
        )
        times = hardware_times(boxes, sources, meters, lanes, plan)
    return Parts(
        time=time,
        boxes=boxes,
        lanes=lanes,
        sources=sources,
        meters=meters,
        levels=levels,
        opening=Opening(boxes, settings.stages, lanes),
        choice=choice,
        timing=timing,
        times=times,
        watched=Watched(settings.telemetry, boxes, lanes),
    )
