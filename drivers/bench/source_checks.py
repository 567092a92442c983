"""Whether the chip file says of every terminal that is switched where it stands, on and off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from drivers.bench.limit_checks import Key, limit_of
from mgd_lab.chip.instruments import Instrument, InstrumentChannel
from mgd_lab.experiment import key_problem
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.bench_terminals import Knob
from mgd_lab.experiment.chip_settings import Limits

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rest:
    """Where a knob is left with outputs off.

    Attributes:
        knob: which.
        safe: its value then.
        low, high: between which another one may be chosen.
        key: where the chip file says it.
        remedy: the key that says it of this knob and of few others.
    """

    knob: Knob
    safe: float
    low: float
    high: float
    key: Key
    remedy: str = "safe"


def check_sources(
    instruments: Mapping[str, Instrument], rests: Iterable[Rest], mapped_as: str
) -> None:
    """Raises what a validator raises; every knob's channel is known to be there.

    `mapped_as` says how a channel can be mapped that has no use.
    """
    rests = list(rests)
    _check_all_are_mapped(instruments, [rest.knob for rest in rests], mapped_as)
    for rest in rests:
        sources = _sources(instruments[rest.knob.instrument])
        channel = next(each for each in sources if each.name == rest.knob.channel)
        if not channel.switched:
            _check_level_0(rest, channel)


def rests_of_bench(bench: BenchMapping, limits: Limits) -> Iterator[Rest]:
    """All knobs of a bench; limits lie over what the mappings of trained parameters say."""
    for k, run in enumerate(bench.parameters):
        for knob in run.knobs("parameters", k):
            mapped = _as_mapped(knob, ("parameters", k))
            yield mapped if knob.held is not None else _limited(mapped, limits, run.group)
    for knob in bench.input_knobs + bench.target_knobs:
        yield _as_mapped(knob, knob.key[:-1])


def rests_of_supplies(knobs: Iterable[Knob]) -> Iterator[Rest]:
    """All supplies."""
    return (_as_mapped(knob, knob.key[:-1]) for knob in knobs)


def _as_mapped(knob: Knob, mapping: Key) -> Rest:
    return Rest(knob, knob.safe, knob.low, knob.high, (*mapping, "safe"))


def _limited(rest: Rest, limits: Limits, group: str) -> Rest:
    safe, key = limit_of(limits, group, "safe") or (rest.safe, rest.key)
    low, _ = limit_of(limits, group, "low") or (rest.low, ())
    high, _ = limit_of(limits, group, "high") or (rest.high, ())
    own = f"limits.groups.{group}.safe"
    return Rest(rest.knob, safe, low, high, key, "safe" if key == rest.key else own)


def _sources(instrument: Instrument) -> list[InstrumentChannel]:
    return [channel for channel in instrument.channels if channel.direction == "source"]


def _check_all_are_mapped(
    instruments: Mapping[str, Instrument], knobs: Iterable[Knob], mapped_as: str
) -> None:
    mapped: dict[str, set[str]] = {}
    for knob in knobs:
        mapped.setdefault(knob.instrument, set()).add(knob.channel)
    for name, channels in mapped.items():
        left = [each for each in _sources(instruments[name]) if each.name not in channels]
        if not left:
            continue
        would = "be switched on with the others" if left[0].switched else "stay"
        raise key_problem(
            f"nothing is mapped to channel {', '.join(each.name for each in left)}, which would "
            f"{would} at whatever level was left there; map it ({mapped_as}), or remove it from "
            "the section",
            *("instruments", name),
        )


def _check_level_0(rest: Rest, channel: InstrumentChannel) -> None:
    knob = rest.knob
    slack = _ROUNDING * max(abs(channel.low), abs(channel.high))
    if abs(knob.conversion.level(rest.safe)) <= slack:
        return
    zero = knob.conversion.value(0.0)
    advice = (
        f"give {rest.remedy}: {zero:.12g}"
        if rest.low <= zero <= rest.high
        else f"widen its range, which is {rest.low:g} to {rest.high:g} {knob.unit}, or take a "
        "source that has a switch"
    )
    raise key_problem(
        f"channel {knob.channel!r} of {knob.instrument} has no output switch: with outputs off it "
        f"is at level 0, where {knob.name} is {zero:.12g} {knob.unit} and not the safe value "
        f"{rest.safe:g} {knob.unit}; {advice}",
        *rest.key,
    )
