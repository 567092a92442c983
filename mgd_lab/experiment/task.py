"""What is to be learned: data set, cost and splits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.chip_settings import Settings

DataSetName = Literal["parity", "nist7x7", "arrays"]

_DEFAULT_TEST_FRACTION: Mapping[DataSetName, float] = {"nist7x7": 0.1}


class Split(Settings):
    """Fractions of the samples that are kept from training, drawn by the experiment's seed."""

    validation: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the samples, 0 to 1"
    )
    test: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction of the samples, 0 to 1; nist7x7 has 0.1 by default",
    )

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> Self:
        if self.validation + self.test >= 1:
            raise key_problem(
                f"validation ({self.validation:g}) and test ({self.test:g}) leave nothing to train "
                "on; their sum must stay below 1"
            )
        return self


class Task(Alternatives):
    """A data set and the cost that is to fall."""

    dataset: DataSetName = Field(description="parity, nist7x7, or arrays (a file of your own)")
    bits: int = Field(default=2, ge=1, le=16, description="width of parity's input")
    file: Path | None = Field(
        default=None, description=".npz or .csv of arrays, relative to the experiment file"
    )
    targets: int | tuple[str, ...] | None = Field(
        default=None,
        description="target columns of a .csv: how many of the last columns, or their names "
        "(default: the last column)",
    )
    cost: Literal["mse", "cross_entropy"] = Field(default="mse", description="cost of one sample")
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the target spread over all classes (cross_entropy)",
    )
    split: Split = Field(
        default_factory=Split, description="where the data set has no official split"
    )

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of other data sets and of the other cost."""
        without: dict[str, str] = {}
        if self.dataset != "parity":
            without["bits"] = f"bits belongs to dataset parity, not to {self.dataset}"
        if self.dataset != "arrays":
            for key in ("file", "targets"):
                without[key] = f"{key} belongs to dataset arrays, not to {self.dataset}"
        if self.cost != "cross_entropy":
            without["label_smoothing"] = (
                f"label_smoothing belongs to cross_entropy, not {self.cost}"
            )
        return without

    @model_validator(mode="after")
    def _name_a_file_for_arrays(self) -> Self:
        if self.dataset == "arrays" and self.file is None:
            raise key_problem("dataset arrays needs the path of a .npz or .csv file", "file")
        if isinstance(self.targets, int) and self.targets < 1:
            raise key_problem(f"expected at least 1 target column, got {self.targets}", "targets")
        if self.targets == ():
            raise key_problem("expected at least 1 target column, got an empty list", "targets")
        return self

    @model_validator(mode="after")
    def _take_the_split_of_the_data_set(self) -> Self:
        default = _DEFAULT_TEST_FRACTION.get(self.dataset, 0.0)
        if default and "test" not in self.split.model_fields_set:
            if self.split.validation + default >= 1:
                raise key_problem(
                    f"validation ({self.split.validation:g}) and {self.dataset}'s test fraction "
                    f"({default:g}) leave nothing to train on; set split.test as well",
                    "split",
                    "validation",
                )
            split = Split(validation=self.split.validation, test=default)
            # The model is frozen for everyone but its own validation.
            object.__setattr__(self, "split", split)
        return self
