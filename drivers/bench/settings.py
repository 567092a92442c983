"""Chip files of the driver `bench`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from drivers.bench.channel_checks import check_channels
from drivers.bench.instrument_sections import InstrumentSection
from drivers.bench.limit_checks import check_held_values
from drivers.bench.resource_checks import check_resources
from drivers.link_settings import RetrySettings
from mgd_lab.chip import OutputKind
from mgd_lab.experiment import ChipSettings, key_problem
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.nearest import did_you_mean

_SIMULATION_LIBRARY = "@sim"


class BenchSettings(ChipSettings, BenchMapping):
    """A chip made of the instruments on the shelf."""

    visa_library: str = Field(
        default="@py", description="VISA library of all instruments: @py, @sim, @ivi, or a path"
    )
    instruments: dict[str, InstrumentSection] = Field(
        min_length=1, description="name → driver (group mgd_lab.instruments) and its own keys"
    )
    order: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="instruments that are opened, configured and switched on before those of the "
        "next stage, in parallel within one; instruments that are not named come last",
    )
    output_kind: OutputKind = Field(
        default="values", description="probabilities where the outputs sum to 1"
    )
    sample_memory: int = Field(
        default=1_000_000, ge=1, description="most samples that the host keeps for blocks"
    )
    readback: bool = Field(
        default=True, description="telemetry has what each parameter's source reads back"
    )
    errors_every_blocks: int = Field(
        default=100,
        ge=1,
        description="blocks between two looks into the instruments' error queues",
    )
    trips_every_blocks: int = Field(
        default=1, ge=1, description="blocks between two looks for tripped compliance"
    )
    list_dwell_seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="of hardware timing: no step of a list is shorter; null: by settling, readings "
        "and the instruments' shortest steps",
    )
    retries: RetrySettings = RetrySettings()

    @model_validator(mode="after")
    def _order_instruments_once(self) -> Self:
        seen: set[str] = set()
        for k, stage in enumerate(self.order):
            for i, name in enumerate(stage):
                if name not in self.instruments:
                    raise key_problem(
                        f"no instrument {name!r}{did_you_mean(name, self.instruments)}",
                        *("order", k, i),
                    )
                if name in seen:
                    raise key_problem(f"{name} stands in the order twice", "order", k, i)
                seen.add(name)
        return self

    @model_validator(mode="after")
    def _be_simulated_wholly_or_not_at_all(self) -> Self:
        simulation = self.visa_library == _SIMULATION_LIBRARY
        if simulation and self.simulated is None:
            raise key_problem(
                'visa_library: "@sim" needs the key simulated: the network behind the instruments',
                "visa_library",
            )
        return self

    @model_validator(mode="after")
    def _pace_lists_by_nothing_but_their_dwell(self) -> Self:
        limited = [self.limits.parameters, *self.limits.groups.values()]
        if self.timing == "hardware" and any(limits.slew_per_second for limits in limited):
            raise key_problem(
                "a list steps faster than limits.slew_per_second can be kept; use timing: software",
                "timing",
            )
        return self

    @model_validator(mode="after")
    def _fit_the_instruments(self) -> Self:
        check_resources(self.instruments)
        check_channels(self, self.limits)
        return self

    @model_validator(mode="after")
    def _hold_parameters_within_limits(self) -> Self:
        check_held_values(self.parameters, self.limits)
        return self

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Every instrument, in the order of opening."""
        named = {name for stage in self.order for name in stage}
        rest = tuple(name for name in self.instruments if name not in named)
        return tuple(stage for stage in (*self.order, rest) if stage)

    @property
    def simulates(self) -> bool:
        """Whether no hardware is behind it."""
        return self.visa_library == _SIMULATION_LIBRARY
