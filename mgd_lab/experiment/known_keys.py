"""Which keys the models know, and which of them an unknown key was meant to be."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from mgd_lab.experiment.chip_settings import ChipSettings
from mgd_lab.experiment.experiment import Experiment
from mgd_lab.experiment.nearest import nearest
from mgd_lab.experiment.problem import Path, dotted


def key_hint(path: Path, base: Path, chip: type[ChipSettings]) -> str:
    """What to write in place of the unknown key at `path`, for the end of a message.

    Args:
        path: the unknown key.
        base: where the content of its file stands; the hint names keys as that file does.
        chip: the settings of the driver in use.
    """
    siblings = keys_at(path[:-1], chip)
    word = str(path[-1])
    close = nearest(word, siblings)
    meant = (*path[:-1], close) if close else _elsewhere(word, base, chip)
    if meant:
        return f"; did you mean '{dotted(meant[len(base) :])}'?"
    return f"; the keys here are {', '.join(siblings)}" if siblings else ""


def keys_at(path: Path, chip: type[ChipSettings]) -> list[str]:
    """Keys that may stand in the mapping at `path`."""
    keys = [key for model in _models_at(path, chip) for key in _fields(model)]
    return list(dict.fromkeys(keys))


def description_of(path: Path, chip: type[ChipSettings]) -> str:
    """`: what the key means`, or nothing where the models do not say."""
    for model in _models_at(path[:-1], chip):
        for name, field in model.model_fields.items():
            if (field.alias or name) == path[-1] and field.description:
                return f": {field.description}"
    return ""


def _models_at(path: Path, chip: type[ChipSettings]) -> list[type[BaseModel]]:
    annotations: list[Any] = [Experiment]
    for part in path:
        annotations = [
            below for annotation in annotations for below in _below(annotation, part, chip)
        ]
    return _models(annotations)


def _elsewhere(word: str, base: Path, chip: type[ChipSettings]) -> Path | None:
    by_name: dict[str, Path] = {}
    for path in _every_path(Experiment, (), chip):
        if path[: len(base)] == base:
            by_name.setdefault(str(path[-1]), path)
    close = nearest(word, by_name)
    return by_name[close] if close else None


def _every_path(model: type[BaseModel], prefix: Path, chip: type[ChipSettings]) -> Iterator[Path]:
    for key, annotation in _fields(model).items():
        yield (*prefix, key)
        if len(prefix) < 4:
            for below in _models([chip if annotation is ChipSettings else annotation]):
                yield from _every_path(below, (*prefix, key), chip)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotations: Sequence[Any]) -> list[type[BaseModel]]:
    leaves = [leaf for annotation in annotations for leaf in _alternatives(annotation)]
    return [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _alternatives(argument)
    else:
        yield annotation


def _below(annotation: Any, part: str | int, chip: type[ChipSettings]) -> Iterator[Any]:
    for leaf in _alternatives(annotation):
        arguments = get_args(leaf)
        if arguments:
            # A mapping's values, or the items of a list or tuple.
            yield arguments[1] if get_origin(leaf) is dict else arguments[0]
        elif isinstance(leaf, type) and issubclass(leaf, BaseModel):
            below = _fields(leaf).get(str(part))
            if below is not None:
                yield chip if below is ChipSettings else below
