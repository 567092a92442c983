"""A chip's description as the JSON that crosses the wire."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any, cast

from mgd_lab.chip import ALL_FEATURES, ChipDescription, ParameterGroup, TelemetryChannel
from mgd_lab.errors import ConfigurationError, LinkError

LARGEST_DESCRIPTION_BYTES = 2**20
_MOST_CHANNELS = 4096
_LARGEST_COUNT = 2**26
_LARGEST_OF = {"sample_memory": 2**32 - 1, "writes_budget": 2**53}


def encode_description(description: ChipDescription) -> bytes:
    """UTF-8 JSON of `ChipDescription.as_mapping`."""
    return json.dumps(description.as_mapping(), ensure_ascii=False, allow_nan=False).encode()


def decode_description(data: bytes) -> ChipDescription:
    """The description that a device sent; LinkError where it is none or cannot be."""
    try:
        mapping = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise LinkError(f"the chip's description is no JSON: {error}") from error
    mapping = _checked(mapping, ChipDescription, "the description")
    groups = mapping.get("groups")
    if not isinstance(groups, list) or not groups:
        raise LinkError("the chip's description has no list of parameter groups")
    mapping["groups"] = [
        _checked(group, ParameterGroup, "a parameter group") for group in cast("list[Any]", groups)
    ]
    # Newer firmware may have features that this host knows nothing of, and does not use.
    mapping["features"] = [name for name in _texts(mapping, "features") if name in ALL_FEATURES]
    mapping["telemetry"] = _channels(mapping)
    try:
        description = ChipDescription.from_mapping(mapping)
    except ConfigurationError as error:
        raise LinkError(f"the chip's description cannot be: {error}") from error
    if description.parameters > _LARGEST_COUNT:
        raise LinkError(f"the chip's description has {description.parameters} parameters")
    return description


def _texts(mapping: dict[str, Any], key: str) -> list[str]:
    names = mapping.get(key, [])
    if not isinstance(names, list) or not all(
        isinstance(name, str) for name in cast("list[Any]", names)
    ):
        raise LinkError(f"the chip's description has {key} = {names!r:.60}, which lists no names")
    return cast("list[str]", names)


def _channels(mapping: dict[str, Any]) -> list[dict[str, Any]]:
    channels = mapping.get("telemetry", [])
    if not isinstance(channels, list) or len(cast("list[Any]", channels)) > _MOST_CHANNELS:
        raise LinkError(f"the chip's description has telemetry = {channels!r:.60}")
    return [
        _checked(channel, TelemetryChannel, "a telemetry channel")
        for channel in cast("list[Any]", channels)
    ]


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _checked(value: object, kind: type[Any], what: str) -> dict[str, Any]:
    # Field by field, since a dataclass takes any value: 2.5 outputs would surface far from here.
    if not isinstance(value, dict):
        raise LinkError(f"{what} in the chip's answer is no mapping: {value!r}")
    mapping = cast("dict[str, Any]", value)
    types = {field.name: str(field.type) for field in fields(kind)}
    for key, entry in mapping.items():
        if key not in types:
            raise LinkError(f"{what} in the chip's answer has the unknown key {key!r}")
        if not _fits(key, entry, types[key]):
            raise LinkError(f"{what} in the chip's answer has {key} = {entry!r}")
    return mapping


def _fits(key: str, entry: object, annotation: str) -> bool:
    match annotation:
        case "int":
            return type(entry) is int and 0 <= entry <= _LARGEST_OF.get(key, _LARGEST_COUNT)
        case "float":
            unbounded = entry is None and key in ("low", "high", "input_low", "input_high")
            return unbounded or (type(entry) in (int, float) and _is_finite(entry))
        case "bool":
            return isinstance(entry, bool)
        case "str":
            return isinstance(entry, str)
        case "OutputKind":
            return entry in ("values", "probabilities")
        case _:
            return True


def _is_finite(entry: Any) -> bool:
    try:
        return math.isfinite(entry)
    except OverflowError:
        return False
