"""Whether the instruments have the channels that the mappings name, with such units and ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.bench.instrument_sections import instrument_drivers
from drivers.bench.source_checks import check_sources, rests_of_bench
from mgd_lab.chip.instruments import Instrument, InstrumentChannel, Measures, SetsLevels
from mgd_lab.errors import MgdLabError
from mgd_lab.experiment import key_problem
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.bench_terminals import ChannelMap, Knob
from mgd_lab.experiment.chip_settings import Limits
from mgd_lab.experiment.instrument_settings import InstrumentSettings
from mgd_lab.experiment.nearest import did_you_mean

Key = tuple[str | int, ...]

_ROUNDING = 1e-9


def build_instruments(
    sections: Mapping[str, InstrumentSettings], library: Any
) -> dict[str, Instrument]:
    """Name → instrument, none of them connected; MgdLabError where one cannot be built."""
    drivers = instrument_drivers()
    return {
        name: drivers[section.driver].build(name, section, library)
        for name, section in sections.items()
    }


def unconnected(sections: Mapping[str, InstrumentSettings]) -> dict[str, Instrument]:
    """The same for a validator: what cannot be built is told at its key."""
    instruments: dict[str, Instrument] = {}
    drivers = instrument_drivers()
    for name, section in sections.items():
        try:
            instruments[name] = drivers[section.driver].build(name, section, None)
        except MgdLabError as error:
            raise key_problem(str(error), "instruments", name) from error
    return instruments


def check_channels(bench: BenchMapping, limits: Limits) -> None:
    """Raises what a validator raises, at the key that is wrong. No instrument is connected."""
    instruments = unconnected(bench.instruments)
    for knob in bench.knobs:
        check_source(instruments, knob)
    for name, channel, key in bench.meter_channels():
        find_channel(instruments, name, channel, "meter", key)
    for mapping, channel, key in _mappings(bench):
        direction = "meter" if key[0] in ("outputs", "telemetry") else "source"
        check_unit(instruments, mapping, channel, direction, key)
    rests = rests_of_bench(bench, limits)
    check_sources(instruments, rests, "as a parameter with fixed, for example")
    if bench.simulated is not None:
        check_loads(instruments, bench.simulated.loads, "simulated", "loads")
    for k, output in enumerate(bench.outputs):
        if output.take == "integral" and not instruments[output.instrument].times.reading > 0:
            raise key_problem(
                f"{output.instrument} does not tell how long a reading takes, so that nothing can "
                "be integrated; use take: mean",
                *("outputs", k, "take"),
            )


def _mappings(bench: BenchMapping) -> Iterator[tuple[ChannelMap, str, Key]]:
    for k, run in enumerate(bench.parameters):
        for channel in run.channels:
            yield run, channel, ("parameters", k)
    for section in ("inputs", "outputs", "telemetry"):
        for k, mapping in enumerate(getattr(bench, section)):
            yield mapping, mapping.channel, (section, k)
    for k, target in enumerate(bench.cost.targets):
        yield target, target.channel, ("cost", "targets", k)


def check_source(instruments: Mapping[str, Instrument], knob: Knob) -> None:
    """Its channel is there, and reaches what the knob may be set to."""
    _check_range(knob, find_channel(instruments, knob.instrument, knob.channel, "source", knob.key))


def check_unit(
    instruments: Mapping[str, Instrument],
    mapping: ChannelMap,
    channel: str,
    direction: str,
    key: Key,
) -> None:
    """A mapping to another unit than its channel's says how it converts."""
    found = find_channel(instruments, mapping.instrument, channel, direction, key)
    if mapping.unit != found.unit and "gain" not in mapping.model_fields_set:
        raise key_problem(
            f"mixed units: {mapping.unit or 'none'} here, and channel {channel!r} of "
            f"{mapping.instrument} is in {found.unit}; give the gain that converts",
            *key,
            "unit",
        )


def check_loads(
    instruments: Mapping[str, Instrument], loads: Mapping[str, Mapping[str, float]], *place: str
) -> None:
    """What is wired to simulated terminals is wired to such as there are."""
    for name, channels in loads.items():
        if name not in instruments:
            raise key_problem(
                f"no instrument {name!r}{did_you_mean(name, instruments)}", *place, name
            )
        for channel in channels:
            find_channel(instruments, name, channel, "source", (*place, name, channel))


def find_channel(
    instruments: Mapping[str, Instrument], name: str, channel: str, direction: str, key: Key
) -> InstrumentChannel:
    """A channel that is mapped; the problem is told at `key`."""
    instrument = instruments[name]
    protocol = SetsLevels if direction == "source" else Measures
    here = {each.name: each for each in instrument.channels if each.direction == direction}
    if channel in here and isinstance(instrument, protocol):
        return here[channel]
    known = f"its {direction} channels: {', '.join(here)}" if here else f"it is no {direction}"
    raise key_problem(
        f"{name} has no {direction} channel {channel!r}{did_you_mean(channel, here)} ({known})",
        *key,
    )


def _check_range(knob: Knob, channel: InstrumentChannel) -> None:
    slack = _ROUNDING * max(abs(channel.low), abs(channel.high))
    for edge in (knob.low, knob.high):
        level = knob.conversion.level(edge)
        if not channel.low - slack <= level <= channel.high + slack:
            raise key_problem(
                f"{knob.name} at {edge:g} {knob.unit} is a level of {level:g} {channel.unit}; "
                f"channel {knob.channel!r} of {knob.instrument} gives {channel.low:g} to "
                f"{channel.high:g} {channel.unit} as it is configured",
                *knob.key,
            )
