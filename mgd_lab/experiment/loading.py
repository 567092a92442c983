"""From files and overrides to an `Experiment`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment.chip_settings import ChipSettings
from mgd_lab.experiment.document import Document, read_document
from mgd_lab.experiment.experiment import Drivers, Experiment
from mgd_lab.experiment.overrides import Overrides, apply_override, override_mapping
from mgd_lab.experiment.problem import Origin, refuse
from mgd_lab.experiment.rewording import reworded

_PATHS = (
    ("task", "file"),
    ("task", "folder"),
    ("task", "files", "train_images"),
    ("task", "files", "train_labels"),
    ("task", "files", "test_images"),
    ("task", "files", "test_labels"),
    ("task", "cost", "file"),
    ("training", "initial", "path"),
)


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment and the files that it came from, for the run's record.

    Attributes:
        experiment: with overrides, the chip in place, and absolute paths.
        path, text: the experiment file as given.
        chip_path, chip_text: the chip file as given; None where the chip stands in place.
    """

    experiment: Experiment
    path: Path
    text: str
    chip_path: Path | None
    chip_text: str | None


def load_experiment(
    path: str | Path,
    *,
    drivers: Drivers,
    overrides: Overrides | None = None,
    chip_file: str | Path | None = None,
) -> LoadedExperiment:
    """Read, override and validate an experiment file.

    Paths in the experiment file, and in overrides, are relative to its folder.

    Args:
        path: the experiment file.
        drivers: the settings model of every driver.
        overrides: dotted keys with plain values, or texts `dotted.key=value`.
        chip_file: a chip file that replaces the experiment's chip, relative to the current folder.

    Raises:
        ExperimentFileError: with all problems, one a line.
    """
    path = Path(path)
    changes = override_mapping(overrides if overrides is not None else {})
    document, text = read_document(path, "experiment file")
    if "chip" in changes:
        if chip_file is not None:
            raise ExperimentFileError("--chip and --set chip both name a chip; give one of them")
        apply_override(document, "chip", changes.pop("chip"))
    chip_path, chip_text = _place_chip(document, path.parent, chip_file)
    for key, value in changes.items():
        apply_override(document, key, value)
    _make_paths_absolute(document.values, path.parent.absolute())
    experiment = _validated(document, drivers)
    return LoadedExperiment(experiment, path, text, chip_path, chip_text)


def experiment_from_mapping(
    mapping: Mapping[str, Any], *, drivers: Drivers, origin: str = "experiment"
) -> Experiment:
    """Validate plain values, such as `resolved_mapping` gives; messages call them `origin`.

    Raises:
        ExperimentFileError: with all problems, one a line.
    """
    document = Document(dict(mapping), {(): Origin(origin)})
    return _validated(document, drivers)


def amended_experiment(
    mapping: Mapping[str, Any],
    *,
    drivers: Drivers,
    overrides: Overrides | None = None,
    chip_file: str | Path | None = None,
    origin: str = "experiment",
) -> Experiment:
    """An experiment that `resolved_mapping` gave, with overrides and another chip file laid over.

    Paths in the overrides are relative to the current folder.

    Raises:
        ExperimentFileError: with all problems, one a line.
    """
    plain: dict[str, Any] = json.loads(json.dumps(mapping))
    document = Document(plain, {(): Origin(origin)})
    _place_chip(document, Path(), chip_file)
    for key, value in override_mapping(overrides if overrides is not None else {}).items():
        apply_override(document, key, value)
    _make_paths_absolute(document.values, Path().absolute())
    return _validated(document, drivers)


def load_chip(path: str | Path, *, drivers: Drivers) -> ChipSettings:
    """Read and validate a chip file that belongs to no experiment.

    Raises:
        ExperimentFileError: with all problems, one a line.
    """
    document = Document({"task": {"dataset": "parity", "bits": 2}}, {(): Origin(str(path))})
    _place_chip(document, Path(), path)
    return _validated(document, drivers).chip


def _place_chip(
    document: Document, folder: Path, chip_file: str | Path | None
) -> tuple[Path | None, str | None]:
    """Put the chip file's content where its path stands; returns the file's path and text."""
    named = document.values.get("chip")
    if chip_file is not None:
        chip_path = Path(chip_file)
    elif isinstance(named, str):
        chip_path = folder / named
    else:
        return None, None
    try:
        chip, text = read_document(chip_path, "chip file")
    except ExperimentFileError as error:
        if chip_file is not None:
            raise
        place = document.origin(("chip",)).message(("chip",), str(error))
        # The chip file's own lines are places already; only a missing file needs the key's.
        raise ExperimentFileError(str(error) if chip_path.is_file() else place) from error
    _anchor_module(chip.values, chip_path.parent.absolute())
    document.replace(("chip",), chip)
    return chip_path, text


def _anchor_module(chip: Any, folder: Path) -> None:
    """Make `network.module` absolute where it names a file, and not what Python can import."""
    network: Any = cast("dict[str, Any]", chip).get("network") if isinstance(chip, dict) else None
    if not isinstance(network, dict):
        return
    keys = cast("dict[str, Any]", network)
    place, colon, name = str(keys.get("module")).rpartition(":")
    if place.endswith(".py"):
        keys["module"] = f"{folder / place}{colon}{name}"


def _make_paths_absolute(values: dict[str, Any], folder: Path) -> None:
    for *sections, key in _PATHS:
        mapping: Any = values
        for section in sections:
            mapping = (
                cast("dict[str, Any]", mapping).get(section) if isinstance(mapping, dict) else None
            )
        if isinstance(mapping, dict) and isinstance(mapping.get(key), str):  # pyright: ignore[reportUnknownMemberType]
            mapping[key] = str(folder / cast("str", mapping[key]))
    _anchor_module(values.get("chip"), folder)


def _validated(document: Document, drivers: Drivers) -> Experiment:
    try:
        # JSON is where pydantic's strict mode takes lists for tuples and text for paths.
        return Experiment.model_validate_json(
            json.dumps(document.values), strict=True, context={"drivers": drivers}
        )
    except ValidationError as error:
        raise refuse(reworded(error, document, _chip_model(document, drivers))) from error


def _chip_model(document: Document, drivers: Drivers) -> type[ChipSettings]:
    chip = document.values.get("chip")
    driver: Any = cast("dict[str, Any]", chip).get("driver") if isinstance(chip, dict) else None
    return drivers.get(driver, ChipSettings) if isinstance(driver, str) else ChipSettings
