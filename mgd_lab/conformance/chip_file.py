"""A chip file by itself, without an experiment around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import ChipSettings, Experiment
from mgd_lab.experiment.document import Document, read_document
from mgd_lab.experiment.experiment import Drivers
from mgd_lab.experiment.overrides import apply_override, override_mapping
from mgd_lab.experiment.problem import Origin, refuse
from mgd_lab.experiment.rewording import reworded


def load_chip_file(
    path: str | Path, overrides: Mapping[str, Any] | Sequence[str], *, drivers: Drivers
) -> ChipSettings:
    """The settings in a chip file.

    Args:
        path: the chip file.
        overrides: {"chip.rung": "cost"}, or texts `chip.rung=cost`.
        drivers: the settings model of every driver.

    Raises:
        ExperimentFileError: with all problems, one a line.
    """
    path = Path(path)
    chip, _ = read_document(path, "chip file")
    # A chip is validated as part of an experiment; what else that needs does not matter.
    document = Document({"task": {"dataset": "parity"}}, {(): Origin(str(path))})
    document.replace(("chip",), chip)
    for key, value in override_mapping(overrides).items():
        if not key.startswith("chip."):
            raise ExperimentFileError(f"--set {key}: there is only a chip here; use chip.{key}")
        apply_override(document, key, value)
    try:
        experiment = Experiment.model_validate_json(
            json.dumps(document.values), strict=True, context={"drivers": drivers}
        )
    except ValidationError as error:
        driver = document.values["chip"].get("driver")
        known = isinstance(driver, str) and driver in drivers
        model = drivers[driver] if known else ChipSettings
        raise refuse(reworded(error, document, model)) from error
    return experiment.chip
