"""Where parameters start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem


class Initial(Alternatives):
    """Initial parameters: drawn from a distribution by the seed, or taken `from` somewhere.

    `distribution`, `low`, `high`, `mean` and `standard_deviation` count only where `source`
    (the key `from`) is None.
    """

    distribution: Literal["uniform", "normal"] = Field(
        default="uniform", description="uniform (low, high) or normal (mean, standard_deviation)"
    )
    low: float = Field(default=-1.0, description="of uniform, in the parameters' unit")
    high: float = Field(default=1.0, description="of uniform, in the parameters' unit")
    mean: float = Field(default=0.0, description="of normal, in the parameters' unit")
    standard_deviation: float = Field(
        default=0.5, ge=0, description="of normal, in the parameters' unit"
    )
    source: Literal["file", "run", "chip"] | None = Field(
        default=None,
        alias="from",
        description="in place of a distribution: a file, an earlier run, or what the chip holds",
    )
    path: Path | None = Field(
        default=None, description="of the file or the run's folder, relative to the experiment file"
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of the distributions and sources that were not chosen."""
        if self.source is not None:
            keys = ("distribution", "low", "high", "mean", "standard_deviation")
            without = {key: f"{key} has no meaning with from: {self.source}" for key in keys}
            if self.source == "chip":
                without["path"] = "path has no meaning with from: chip"
            return without
        other, keys = (
            ("normal", ("mean", "standard_deviation"))
            if self.distribution == "uniform"
            else ("uniform", ("low", "high"))
        )
        without = {
            key: f"{key} belongs to distribution {other}, not to {self.distribution}"
            for key in keys
        }
        without["path"] = "path needs from: file or from: run beside it"
        return without

    @model_validator(mode="after")
    def _be_complete(self) -> Self:
        if self.source in ("file", "run") and self.path is None:
            raise key_problem(f"from: {self.source} needs a path", "path")
        if self.source is None and self.distribution == "uniform" and self.low > self.high:
            raise key_problem(
                f"expected a value of at most high ({self.high:g}), got {self.low:g}", "low"
            )
        return self
