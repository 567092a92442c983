"""Keys of a bench's chip file that say what its simulated instruments are wired to."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import Settings
from mgd_lab.experiment.emulation import EngineChoice, NetworkSettings, Precision
from mgd_lab.experiment.imperfections import Imperfections

Loads = dict[str, dict[str, Annotated[float, Field(gt=0)]]]
LOADS: Any = Field(
    default_factory=dict,
    description="what is wired to sources: instrument → channel → ohms to ground; 1 MΩ where none "
    "is named",
)


class SimulatedBench(Settings):
    """One simulated chip, wired to the simulated instruments as the mappings say."""

    network: NetworkSettings = Field(description="what the chip computes")
    precision: Precision = Field(default="float64", description="of the chip's arithmetic")
    engine: EngineChoice = Field(default="auto", description="what computes the chip")
    imperfections: Imperfections | None = Field(
        default=None, description="what is wrong with the chip; a perfect one unless given"
    )
    seed: int = Field(
        default=0, ge=0, lt=2**64, description="of the chip's and the instruments' randomness"
    )
    time: Literal["virtual", "real"] = Field(
        default="virtual",
        description="virtual: nothing is waited for, and a day's training takes minutes",
    )
    noise: float = Field(
        default=1.0, ge=0, description="factor on the instruments' own noise; 0 for none at all"
    )
    time_constant_seconds: float = Field(
        default=0.0,
        ge=0,
        description="with which a value at a terminal settles exponentially after its level "
        "changes",
    )

    loads: Loads = LOADS

    @model_validator(mode="after")
    def _have_noise_where_it_is_read(self) -> Self:
        if self.imperfections is not None and self.imperfections.cost_noise is not None:
            raise key_problem(
                "a bench reads voltages, and what is added to costs never reaches them; use "
                "read_noise.outputs",
                *("imperfections", "cost_noise"),
            )
        return self
