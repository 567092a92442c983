"""How a Keithley 2600B is set up: the limit, then ranges and the rest, and all of it read back.

Series 2600B Reference Manual (2600BS-901-01), section "TSP command reference": smuX.source,
smuX.measure, smuX.sense, smuX.nvbuffer1, localnode.linefreq.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.instruments.keithley_2600_settings import (
    MODELS,
    Keithley2600Channel,
    Keithley2600Settings,
)
from drivers.instruments.smu_settings import Quantity
from drivers.instruments.tsp_talk import TspTalk
from mgd_lab.errors import InstrumentError

_FUNCTIONS: dict[Quantity, str] = {"voltage": "OUTPUT_DCVOLTS", "current": "OUTPUT_DCAMPS"}
_FUNCTION_NUMBERS: dict[Quantity, int] = {"current": 0, "voltage": 1}
_OFF_MODES = {"normal": "NORMAL", "high_impedance": "HIGH_Z", "zero": "ZERO"}


class Keithley2600Setup:
    """Of all channels that are used.

    Args:
        tsp: exchanges with the instrument.
        place: what messages call it.
        settings: its section.
        letters: channel → "v" or "i" as it sources, and as it measures.
    """

    def __init__(
        self,
        tsp: TspTalk,
        place: str,
        settings: Keithley2600Settings,
        letters: Mapping[str, tuple[str, str]],
    ) -> None:
        self._tsp = tsp
        self._place = place
        self._settings = settings
        self._ranges = MODELS[settings.model]
        self._letters = letters

    def apply(self, *, outputs_are_on: bool) -> None:
        """InstrumentError where something is not as it was set, or must not be set now."""
        for channel, own in self._settings.functions.items():
            self._set_function(channel, own, outputs_are_on=outputs_are_on)
            self._tsp.run(self._statements(channel, own))
            self._read_back(channel, own)
        (frequency,) = self._tsp.numbers("localnode.linefreq")
        self._compare(
            "localnode.linefreq",
            frequency,
            self._settings.line_frequency_hertz,
            "; give it as line_frequency_hertz",
        )

    def _set_function(
        self, channel: str, own: Keithley2600Channel, *, outputs_are_on: bool
    ) -> None:
        """What is sourced and how it is sensed, which are not changed while outputs are on."""
        function, sense = self._tsp.numbers(f"{channel}.source.func", f"{channel}.sense")
        if (int(function), int(sense)) == (_FUNCTION_NUMBERS[own.source], int(own.four_wire)):
            return
        if outputs_are_on:
            raise InstrumentError(
                f"{self._place}: its outputs are on, and {channel} has another function "
                f"({function:g}) or sense mode ({sense:g}) than the chip file names. Bring it to 0 "
                "and switch it off by hand"
            )
        self._tsp.run(
            [
                f"{channel}.source.func = {channel}.{_FUNCTIONS[own.source]}",
                f"{channel}.sense = {channel}.SENSE_{'REMOTE' if own.four_wire else 'LOCAL'}",
            ]
        )

    def _statements(self, channel: str, own: Keithley2600Channel) -> Sequence[str]:
        source, measured = self._letters[channel]
        settings = {
            f"source.limit{measured}": f"{own.compliance:g}",
            f"source.range{source}": f"{own.source_range:g}",
            f"measure.range{measured}": f"{self._ranges.meter_range(own):g}",
            "measure.nplc": f"{own.nplc:g}",
            "measure.autozero": (
                f"{channel}.AUTOZERO_{'AUTO' if self._settings.autozero else 'ONCE'}"
            ),
            "measure.delay": f"{own.source_delay_seconds:g}",
            "measure.count": "1",
            "measure.filter.enable": f"{channel}.FILTER_OFF",
            "source.delay": "0",
            "source.offmode": f"{channel}.OUTPUT_{_OFF_MODES[own.output_off]}",
        }
        assignments = [f"{channel}.{name} = {value}" for name, value in settings.items()]
        buffer = f"{channel}.nvbuffer1"
        return (
            *assignments,
            f"{buffer}.clear()",
            f"{buffer}.appendmode = 1",
            f"{buffer}.collecttimestamps = 0",
            f"{buffer}.collectsourcevalues = 0",
        )

    def _read_back(self, channel: str, own: Keithley2600Channel) -> None:
        source, measured = self._letters[channel]
        expected = {
            f"{channel}.source.limit{measured}": own.compliance,
            f"{channel}.source.range{source}": own.source_range,
            f"{channel}.measure.range{measured}": self._ranges.meter_range(own),
            f"{channel}.measure.nplc": own.nplc,
            f"{channel}.sense": float(own.four_wire),
        }
        found = self._tsp.numbers(*expected)
        for (name, value), answer in zip(expected.items(), found, strict=True):
            self._compare(name, answer, value)

    def _compare(self, name: str, found: float, expected: float, advice: str = "") -> None:
        if abs(found - expected) > 1e-4 * max(abs(expected), 1e-12):
            raise InstrumentError(
                f"{self._place}: {name} is {found:g} after it was set to {expected:g}{advice}"
            )
