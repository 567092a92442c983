"""Where parameters start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem


def _form(value: Any) -> str | None:
    if isinstance(value, dict):
        return "groups"
    return "number" if isinstance(value, int | float) else None


_FORM = Discriminator(
    _form,
    custom_error_type="expected",
    custom_error_message="a number, or a mapping {group: number}",
)
_NotNegative = Annotated[float, Field(ge=0)]

PerGroup = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[dict[str, float], Field(min_length=1), Tag("groups")],
    _FORM,
]
"""One number for all parameters, or one for each group of them."""

_NotNegativePerGroup = Annotated[
    Annotated[_NotNegative, Tag("number")]
    | Annotated[dict[str, _NotNegative], Field(min_length=1), Tag("groups")],
    _FORM,
]


class Initial(Alternatives):
    """Initial parameters: drawn from a distribution by the seed, or taken `from` somewhere.

    `distribution`, `low`, `high`, `mean` and `standard_deviation` count only where `source`
    (the key `from`) is None.
    """

    distribution: Literal["uniform", "normal"] = Field(
        default="uniform", description="uniform (low, high) or normal (mean, standard_deviation)"
    )
    low: PerGroup = Field(
        default=-1.0,
        description="of uniform, in the parameters' unit: a number, or {group: number}",
    )
    high: PerGroup = Field(default=1.0, description="of uniform, likewise")
    mean: PerGroup = Field(default=0.0, description="of normal, likewise")
    standard_deviation: _NotNegativePerGroup = Field(
        default=0.5, description="of normal, likewise; 0 or more"
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
        if self.source is None and self.distribution == "uniform":
            self._check_order()
        return self

    def _check_order(self) -> None:
        """Of single numbers here; of groups when the chip has told which there are."""
        low, high = self.low, self.high
        if not isinstance(low, dict) and not isinstance(high, dict) and low > high:
            raise key_problem(f"expected a value of at most high ({high:g}), got {low:g}", "low")
