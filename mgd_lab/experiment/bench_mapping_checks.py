"""What is refused of a bench's mappings: channels used twice, mixed units, unknown instruments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.bench_terminals import Driven, OutputMap, ParameterMap
from mgd_lab.experiment.nearest import did_you_mean

if TYPE_CHECKING:
    from mgd_lab.experiment.bench_mapping import BenchMapping

Key = tuple[str | int, ...]

_SHARED_IN_A_GROUP = ("unit", "low", "high", "safe", "resolution", "perturbation_resolution")


def check_bench(bench: BenchMapping) -> None:
    """Raises what a validator raises, at the key that is wrong."""
    _check_instruments(bench)
    _check_channels(bench)
    _check_names(bench)
    _check_units("inputs", bench.inputs, "inputs")
    _check_units("outputs", bench.outputs, "outputs")
    _check_units("targets", bench.cost.targets, "cost", "targets")
    _check_groups(bench.parameters)
    _check_input_range(bench.inputs)
    _check_measurement(bench)


def _check_instruments(bench: BenchMapping) -> None:
    for name, key in _named_instruments(bench):
        if name not in bench.instruments:
            raise key_problem(
                f"no instrument {name!r}{did_you_mean(name, bench.instruments)} "
                f"(instruments: {', '.join(bench.instruments)})",
                *key,
            )


def _named_instruments(bench: BenchMapping) -> Iterator[tuple[str, Key]]:
    for section in ("parameters", "inputs", "outputs", "telemetry"):
        for k, mapping in enumerate(getattr(bench, section)):
            yield mapping.instrument, (section, k, "instrument")
    for k, target in enumerate(bench.cost.targets):
        yield target.instrument, ("cost", "targets", k, "instrument")
    if bench.cost.instrument is not None:
        yield bench.cost.instrument, ("cost", "instrument")
    if bench.conductor is not None:
        yield bench.conductor, ("conductor",)
    for k, name in enumerate(bench.uncounted):
        yield name, ("uncounted", k)
    for k, cable in enumerate(bench.triggers):
        yield cable.sender, ("triggers", k, "from")
        yield cable.receiver, ("triggers", k, "to")


def _check_channels(bench: BenchMapping) -> None:
    sources = [(knob.instrument, knob.channel, knob.key) for knob in bench.knobs]
    for places in (sources, list(bench.meter_channels())):
        taken: dict[tuple[str, str], Key] = {}
        for instrument, channel, key in places:
            if (instrument, channel) in taken:
                first = ".".join(str(part) for part in taken[instrument, channel])
                raise key_problem(
                    f"channel {channel!r} of {instrument} is used twice: here and in {first}", *key
                )
            taken[instrument, channel] = key


def _check_names(bench: BenchMapping) -> None:
    seen: dict[str, Key] = {}
    places = [
        (name, ("parameters", k, "names", i))
        for k, run in enumerate(bench.parameters)
        for i, name in enumerate(run.names)
    ]
    places += [
        (channel.name, ("telemetry", k, "name")) for k, channel in enumerate(bench.telemetry)
    ]
    for name, key in places:
        if name in seen:
            first = ".".join(str(part) for part in seen[name])
            raise key_problem(f"the name {name!r} is given twice: here and in {first}", *key)
        seen[name] = key


def _check_units(what: str, maps: Sequence[Driven | OutputMap], *place: str) -> None:
    for k, mapping in enumerate(maps):
        if mapping.unit != maps[0].unit:
            raise key_problem(
                f"mixed units: {mapping.unit or 'none'} here and {maps[0].unit or 'none'} in "
                f"{'.'.join(place)}.0; give all {what} one unit, and gains that convert to it",
                *place,
                k,
                "unit",
            )


def _check_input_range(inputs: Sequence[Driven]) -> None:
    """A chip has one range for all of its inputs."""
    low, high = inputs[0].low, inputs[0].high
    for k, mapping in enumerate(inputs):
        if not max(low, mapping.low) < min(high, mapping.high):
            raise key_problem(
                f"{mapping.low:g} to {mapping.high:g} here and {low:g} to {high:g} in those before "
                "have no range in common; the inputs of a chip share one. Give each low, high, "
                "gain and offset of such values as the experiment presents",
                *("inputs", k),
            )
        low, high = max(low, mapping.low), min(high, mapping.high)


def _check_groups(parameters: Sequence[ParameterMap]) -> None:
    """The runs of a group stand together and share what a group shares."""
    runs = [(k, run) for k, run in enumerate(parameters) if run.trained]
    if not runs:
        raise key_problem("all are fixed or masked: none is left to be trained", "parameters")
    last: dict[str, int] = {}
    previous = ""
    for k, run in runs:
        if run.group in last:
            first = f"parameters.{last[run.group]}"
            if previous != run.group:
                raise key_problem(
                    f"the runs of group {run.group!r} must follow one another; another is {first}",
                    *("parameters", k, "group"),
                )
            _check_same(run, parameters[last[run.group]], k, first)
        last[run.group] = k
        previous = run.group


def _check_same(run: ParameterMap, other: ParameterMap, k: int, place: str) -> None:
    for quantity in _SHARED_IN_A_GROUP:
        here, there = getattr(run, quantity), getattr(other, quantity)
        if here != there:
            word = "mixed units" if quantity == "unit" else f"different {quantity}"
            raise key_problem(
                f"{word} within group {run.group!r}: {here} here, {there} in {place}; give one of "
                "the runs another group",
                *("parameters", k, quantity),
            )


def _check_measurement(bench: BenchMapping) -> None:
    cost, outputs = bench.cost, bench.outputs
    if not outputs and cost.source == "host":
        raise key_problem(
            "a required key is missing: the chip's outputs, of which the host computes the cost "
            "(or cost: {from: instrument, …})",
            "outputs",
        )
    if outputs and cost.targets and len(cost.targets) != len(outputs):
        raise key_problem(
            f"{len(cost.targets)} targets and {len(outputs)} outputs; expected as many",
            *("cost", "targets"),
        )
    if bench.timing == "hardware" and bench.conductor is None:
        raise key_problem(
            "timing: hardware needs the key conductor: the instrument whose list steps by its own "
            "timer",
            "timing",
        )
