"""A chip that the user describes, in YAML."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from mgd_lab.experiment import Settings
from mgd_lab.experiment.document import Document, describe, read_document
from mgd_lab.experiment.nearest import nearest
from mgd_lab.experiment.problem import refuse
from mgd_lab.projection.hardware import Hardware


class HardwareSettings(Settings):
    """Keys of a hardware file; all times in seconds."""

    name: str = Field(min_length=1, description="what the table calls it")
    read_seconds: float = Field(gt=0, description="a probe: settling and reading its cost")
    input_seconds: float = Field(default=0.0, ge=0, description="another sample at the inputs")
    perturbation_seconds: float = Field(
        default=0.0, ge=0, description="another perturbation, or none"
    )
    write_seconds: float = Field(default=0.0, ge=0, description="an update of all parameters")


def load_hardware(path: Path) -> Hardware:
    """Read a hardware file.

    Raises:
        ExperimentFileError: with file, line and key of every problem.
    """
    document, _ = read_document(path, "hardware file")
    try:
        # JSON is where pydantic's strict mode takes a whole number for a time.
        settings = HardwareSettings.model_validate_json(json.dumps(document.values), strict=True)
    except ValidationError as error:
        raise refuse([_told(detail, document) for detail in error.errors()]) from error
    return Hardware(**settings.model_dump(), source=str(path))


def _told(detail: ErrorDetails, document: Document) -> str:
    path = tuple(detail["loc"])
    key = str(path[-1]) if path else ""
    fields = HardwareSettings.model_fields
    if detail["type"] == "extra_forbidden":
        close = nearest(key, fields)
        text = f"unknown key; did you mean '{close}'?" if close else "unknown key"
        text += "" if close else f"; the keys here are {', '.join(fields)}"
    elif detail["type"] == "missing":
        text = f"a required key is missing: {fields[key].description}"
    else:
        expected = detail["msg"].replace("Input should be ", "expected ")
        text = f"{expected}, got {describe(document.values.get(key))}"
    return document.origin(path).message(path, text)
