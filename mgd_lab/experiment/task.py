"""What is to be learned: data set, cost and splits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.chip_settings import Settings

DataSetName = Literal["parity", "nist7x7", "digits", "fashion_mnist", "cifar10", "arrays", "idx"]

_DEFAULT_TEST_FRACTION: Mapping[DataSetName, float] = {"nist7x7": 0.1, "digits": 0.2}
_OFFICIAL: tuple[DataSetName, ...] = ("fashion_mnist", "cifar10")
_DATA_SETS_OF: Mapping[str, tuple[DataSetName, ...]] = {
    "bits": ("parity",),
    "file": ("arrays",),
    "targets": ("arrays",),
    "files": ("idx",),
    "folder": _OFFICIAL,
    "checksums": _OFFICIAL,
    "train_batches": ("cifar10",),
}


class Split(Settings):
    """Fractions of the samples that are kept from training, drawn by the experiment's seed."""

    validation: float = Field(
        default=0.0, ge=0, lt=1, description="fraction of the samples, 0 to 1"
    )
    test: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction of the samples, 0 to 1; nist7x7 has 0.1 by default, digits 0.2; "
        "refused where the data set has an official test split",
    )

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> Self:
        if self.validation + self.test >= 1:
            raise key_problem(
                f"validation ({self.validation:g}) and test ({self.test:g}) leave nothing to train "
                "on; their sum must stay below 1"
            )
        return self


class IdxFiles(Settings):
    """IDX files, gzip or plain, relative to the experiment file."""

    train_images: Path = Field(description="images, (samples, rows, columns) or the like")
    train_labels: Path = Field(description="their labels, whole numbers from 0")
    test_images: Path | None = Field(default=None, description="images of an official test split")
    test_labels: Path | None = Field(default=None, description="their labels")

    @model_validator(mode="after")
    def _have_labels_for_the_test(self) -> Self:
        if (self.test_images is None) != (self.test_labels is None):
            raise key_problem("an official test split needs both test_images and test_labels")
        return self


class UserCost(Settings):
    """A cost of the user's own: a NumPy function in a Python file, which is executed."""

    file: Path = Field(description="Python file, relative to the experiment file")
    function: str = Field(
        min_length=1,
        description="its name; (outputs (n, O) float64, targets (n, O) float32) → costs (n,) "
        "float64, each from its own row",
    )

    @model_validator(mode="after")
    def _be_python(self) -> Self:
        if self.file.suffix != ".py":
            raise key_problem(f"expected a Python file (.py), got {self.file.name!r}", "file")
        return self


def _form_of_cost(value: object) -> str:
    return "own" if isinstance(value, dict | UserCost) else "named"


# Problems are those of the form that was written, not of both.
_Cost = Annotated[
    Annotated[Literal["mse", "cross_entropy"], Tag("named")] | Annotated[UserCost, Tag("own")],
    Discriminator(_form_of_cost),
]


class Task(Alternatives):
    """A data set and the cost that is to fall."""

    dataset: DataSetName = Field(
        description="parity, nist7x7, digits, fashion_mnist, cifar10, or a file or files of your "
        "own: arrays, idx"
    )
    bits: int = Field(default=2, ge=1, le=16, description="width of parity's input")
    file: Path | None = Field(
        default=None, description=".npz or .csv of arrays, relative to the experiment file"
    )
    targets: int | tuple[str, ...] | None = Field(
        default=None,
        description="target columns of a .csv: how many of the last columns, or their names "
        "(default: the last column)",
    )
    files: IdxFiles | None = Field(default=None, description="IDX files of idx")
    folder: Path | None = Field(
        default=None,
        description="folder with the files of fashion_mnist or cifar10, relative to the "
        "experiment file; null looks where mgd-lab data list does",
    )
    checksums: Literal["official", "any"] = Field(
        default="official",
        description="fashion_mnist, cifar10: any takes files of the official layout with other "
        "contents",
    )
    train_batches: int = Field(
        default=5, ge=1, le=5, description="cifar10: the first so many of its five training files"
    )
    cost: _Cost = Field(
        default="mse",
        description="cost of one sample: mse, cross_entropy, or a function of your own, as "
        "{file: my_cost.py, function: my_cost}",
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the target spread over all classes (cross_entropy)",
    )
    split: Split = Field(
        default_factory=Split, description="where the data set has no official split"
    )

    @property
    def has_official_test(self) -> bool:
        """Whether a test split comes with the data; arrays may bring one, which is not known."""
        if self.files is not None:
            return self.files.test_images is not None
        return self.dataset in _OFFICIAL

    def keys_without_meaning(self) -> Mapping[str, str]:
        """Keys of other data sets and of the other cost."""
        without = {
            key: f"{key} belongs to dataset {' and '.join(names)}, not to {self.dataset}"
            for key, names in _DATA_SETS_OF.items()
            if self.dataset not in names
        }
        if self.cost != "cross_entropy":
            without["label_smoothing"] = "label_smoothing belongs to cross_entropy, not " + (
                self.cost if isinstance(self.cost, str) else "a function of your own"
            )
        return without

    @model_validator(mode="after")
    def _name_the_files(self) -> Self:
        if self.dataset == "arrays" and self.file is None:
            raise key_problem("dataset arrays needs the path of a .npz or .csv file", "file")
        if self.dataset == "idx" and self.files is None:
            raise key_problem(
                "dataset idx needs train_images and train_labels, paths of IDX files", "files"
            )
        if isinstance(self.targets, int) and self.targets < 1:
            raise key_problem(f"expected at least 1 target column, got {self.targets}", "targets")
        if self.targets == ():
            raise key_problem("expected at least 1 target column, got an empty list", "targets")
        return self

    @model_validator(mode="after")
    def _take_the_split_of_the_data_set(self) -> Self:
        if self.has_official_test and self.split.test:
            raise key_problem(
                f"{self.dataset} has an official test split, which is for reporting; choose on "
                "split.validation, and remove split.test",
                *("split", "test"),
            )
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
