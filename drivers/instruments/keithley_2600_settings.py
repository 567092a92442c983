"""What a Keithley 2600B in a chip file says, and what its models have.

Ranges, limits and integration times are those of the specifications of the Series 2600B
(2600BS-901-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from drivers.instruments.smu_settings import SmuFunction, SmuRanges
from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentSettings

_AMPERES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
_SMALL = (1e-9, 1e-8)
_VOLTS = (0.2, 2.0, 20.0, 200.0)
_260X = SmuRanges((0.1, 1.0, 6.0, 40.0), (*_AMPERES, 3.0), 1.01, 0.001, 25.0)
_261X = SmuRanges(_VOLTS, (*_AMPERES, 1.5), 1.01, 0.001, 25.0)
_263X = SmuRanges(_VOLTS, (*_SMALL, *_AMPERES, 1.5), 1.01, 0.001, 25.0)
MODELS = {
    "2601B": _260X, "2602B": _260X, "2611B": _261X, "2612B": _261X, "2635B": _263X,
    "2636B": _263X,
}  # fmt: skip
_ONE_CHANNEL = ("2601B", "2611B", "2635B")


class Keithley2600Channel(SmuFunction):
    """Section `smua` or `smub`; `nplc` is 0.001 to 25."""

    output_off: Literal["normal", "high_impedance", "zero"] = Field(
        default="normal", description="what the output is while it is off (smuX.source.offmode)"
    )


class Keithley2600Settings(InstrumentSettings):
    """Section of a Keithley 2600B in a chip file."""

    model: Literal["2601B", "2602B", "2611B", "2612B", "2635B", "2636B"] = Field(
        default="2602B", description="as *IDN? names it"
    )
    smua: Keithley2600Channel | None = Field(default=None, description="channel A, if it is used")
    smub: Keithley2600Channel | None = Field(default=None, description="channel B, if it is used")
    autozero: bool = Field(
        default=False,
        description="measure zero and reference with each reading, which takes three times as "
        "long; false: once, when the instrument is configured",
    )
    line_frequency_hertz: Literal[50, 60] = Field(
        default=50, description="of the mains; the instrument's own, which is compared"
    )
    trigger_input_line: int = Field(
        default=1, ge=1, le=14, description="digital line whose falling edge steps or measures"
    )
    trigger_output_line: int = Field(
        default=2, ge=1, le=14, description="digital line that gives a pulse at each step of a list"
    )

    @property
    def functions(self) -> Mapping[str, Keithley2600Channel]:
        """Of the channels that are used."""
        sections: dict[str, Keithley2600Channel | None] = {"smua": self.smua, "smub": self.smub}
        return {name: section for name, section in sections.items() if section is not None}

    @model_validator(mode="after")
    def _have_what_the_model_has(self) -> Self:
        if not self.functions:
            raise key_problem("no channel is used; give smua, smub or both", "smua")
        if self.smub is not None and self.model in _ONE_CHANNEL:
            raise key_problem(f"the {self.model} has one channel, smua", "smub")
        if self.trigger_input_line == self.trigger_output_line:
            raise key_problem("the line is the trigger input already", "trigger_output_line")
        for channel, function in self.functions.items():
            MODELS[self.model].check(function, self.model, channel)
        return self
