"""The whole experiment, as files describe it and as the bench receives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self, cast

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationInfo, model_validator

from mgd_lab.experiment.alternatives import key_problem
from mgd_lab.experiment.chip_settings import ChipSettings, Settings
from mgd_lab.experiment.guards import Guards
from mgd_lab.experiment.nearest import did_you_mean
from mgd_lab.experiment.observation import Evaluate, Logging
from mgd_lab.experiment.reference import Reference
from mgd_lab.experiment.stop import Stop
from mgd_lab.experiment.task import Task
from mgd_lab.experiment.training import Training

Drivers = Mapping[str, type[ChipSettings]]


def _settings_of_driver(value: Any, info: ValidationInfo) -> Any:
    """A mapping → the settings of the driver that it names; drivers come in the context."""
    if not isinstance(value, dict):
        return value
    chip = cast("dict[str, Any]", value)
    context = cast("dict[str, Any]", info.context or {})
    drivers: Drivers = context.get("drivers", {})
    known = ", ".join(sorted(drivers)) or "none"
    name = chip.get("driver")
    if name is None:
        raise key_problem(f"a required key is missing; installed drivers: {known}", "driver")
    if not isinstance(name, str) or name not in drivers:
        raise key_problem(
            f"no driver {name!r} is installed{did_you_mean(str(name), drivers)} "
            f"(installed: {known})",
            "driver",
        )
    # JSON is where pydantic's strict mode takes lists for tuples and text for paths.
    return drivers[name].model_validate_json(json.dumps(chip), strict=True)


class Experiment(Settings):
    """An experiment, decoded once; nothing below the composition root sees a mapping."""

    name: str = Field(default="experiment", min_length=1, description="names the run's folder")
    seed: int = Field(
        default=1,
        ge=0,
        lt=2**64,
        description="of codes, sample order, initial parameters and split",
    )
    chip: Annotated[SerializeAsAny[ChipSettings], BeforeValidator(_settings_of_driver)] = Field(
        description="a chip file's path relative to this file, or its content in place"
    )
    task: Task = Field(description="what is to be learned")
    training: Training = Field(default_factory=Training, description="how it is learned")
    stop: Stop = Field(default_factory=Stop, description="when the run ends: the first that is met")
    evaluate: Evaluate = Field(default_factory=Evaluate, description="measuring progress")
    logging: Logging = Field(default_factory=Logging, description="what the run's log keeps")
    guards: Guards = Field(
        default_factory=Guards, description="what is watched while the run goes on"
    )
    reference: Reference = Field(
        default_factory=Reference, description="backpropagation, for mgd-lab reference"
    )

    @model_validator(mode="after")
    def _have_a_name_that_folders_can_have(self) -> Self:
        name = self.name
        if not name.isprintable() or set(name) & set("/\\") or not name.strip(". "):
            raise key_problem(
                f"expected a name that a folder can have, without / and \\, got {name!r}", "name"
            )
        return self

    @model_validator(mode="after")
    def _have_the_split_that_is_evaluated(self) -> Self:
        wanted = self.evaluate.split
        # A file of arrays may bring a test split of its own.
        if wanted == "train" or self.task.dataset == "arrays":
            return self
        if wanted == "test" and self.task.has_official_test:
            return self._that_chooses_nothing_on_the_test()
        if getattr(self.task.split, wanted) == 0:
            raise key_problem(
                f"{self.task.dataset} has no {wanted} split here; set task.split.{wanted} above 0",
                *("evaluate", "split"),
            )
        return self

    def _that_chooses_nothing_on_the_test(self) -> Self:
        if self.training.finish == "best":
            raise key_problem(
                f"training.finish: best would choose parameters on {self.task.dataset}'s official "
                "test split, which is for reporting; evaluate on validation (task.split.validation "
                "above 0)",
                *("evaluate", "split"),
            )
        return self


def resolved_mapping(experiment: Experiment) -> dict[str, Any]:
    """Every key with its value, in plain types that JSON and YAML hold.

    `experiment_from_mapping` gives an equal experiment back.
    """
    return experiment.model_dump(mode="json", by_alias=True)
