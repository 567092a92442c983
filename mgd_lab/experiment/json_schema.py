"""JSON Schema (2020-12) of experiment and chip files, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from mgd_lab.experiment.experiment import Drivers, Experiment

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(drivers: Drivers) -> dict[str, Any]:
    """The schema of an experiment file; its chip is a path, or the settings of any driver."""
    chips, schema = _schemas(drivers)
    definitions = schema["$defs"]
    experiment = definitions.pop("Experiment")
    experiment["properties"]["chip"] = {
        "description": experiment["properties"]["chip"].get("description", ""),
        "anyOf": [
            {"type": "string", "minLength": 1, "description": "path of a chip file"},
            *chips,
        ],
    }
    return {"$schema": _DIALECT, **experiment, "$defs": definitions}


def chip_json_schema(drivers: Drivers) -> dict[str, Any]:
    """The schema of a chip file: the settings of any driver, chosen by `driver`."""
    chips, schema = _schemas(drivers)
    definitions = schema["$defs"]
    definitions.pop("Experiment")
    return {
        "$schema": _DIALECT,
        "title": "Chip",
        "type": "object",
        "required": ["driver"],
        "properties": {"driver": {"enum": sorted(drivers)}},
        "anyOf": chips,
        "$defs": definitions,
    }


def _schemas(drivers: Drivers) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A schema for each driver's chips, and the definitions that they refer to."""
    models = list(dict.fromkeys(drivers.values()))
    references, schema = models_json_schema(
        [(model, "validation") for model in (Experiment, *models)], by_alias=True
    )
    chips: list[dict[str, Any]] = [
        {
            "allOf": [
                references[(drivers[name], "validation")],
                {"required": ["driver"], "properties": {"driver": {"const": name}}},
            ]
        }
        for name in sorted(drivers)
    ]
    return chips, schema
