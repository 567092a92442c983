from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgd_lab.chip import ChipDescription, ParameterGroup, TelemetryChannel
from mgd_lab.errors import LinkError
from mgd_lab.wire import decode_description, encode_description

DESCRIPTION = ChipDescription(
    "Δ chip",
    (ParameterGroup("w", 4, "V", -1.0, 1.0, 0.5, 0.01, 0.001), ParameterGroup("b", 1)),
    inputs=2,
    outputs=1,
    input_low=0.0,
    sample_memory=2**32 - 1,
    largest_block=64,
    simulated=True,
)


def changed(**keys):
    mapping = DESCRIPTION.as_mapping() | keys
    return json.dumps(mapping).encode()


def test_round_trip():
    assert decode_description(encode_description(DESCRIPTION)) == DESCRIPTION


def test_features_and_channels_round_trip():
    group = ParameterGroup("w", 4, slew_per_second=2.0, writes_budget=10**9)
    described = dataclasses.replace(
        DESCRIPTION,
        groups=(group,),
        features=("watchdog", "limits"),
        telemetry=(TelemetryChannel("supply", "V"), TelemetryChannel("overflows")),
    )
    assert decode_description(encode_description(described)) == described


def test_features_that_are_not_known_are_dropped():
    found = decode_description(changed(features=["teleport", "limits", "x"]))
    assert found.features == ("limits",)


def test_defaults_may_be_left_out():
    data = b'{"name": "c", "groups": [{"name": "w", "count": 2}], "inputs": 1, "outputs": 1}'
    assert decode_description(data).parameters == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "JSON"),
        (b"\xff", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"3", "mapping"),
        (b"{}", "groups"),
        (changed(groups=[]), "groups"),
        (changed(groups=[3]), "mapping"),
        (changed(groups=[{"name": "w", "count": 2.5}]), "count"),
        (changed(groups=[{"name": "w", "count": 0}]), "count"),
        (changed(groups=[{"name": "w", "count": 2**50}]), "count"),
        (changed(groups=[{"name": "w", "count": 2**26}, {"name": "v", "count": 1}]), "parameters"),
        (changed(groups=[{"name": "w"}]), "count"),
        (changed(groups=[{"name": "w", "count": 1, "safe": None}]), "safe"),
        (changed(groups=[{"name": "w", "count": 1, "low": 2.0, "high": 1.0}]), "below"),
        (changed(inputs=True), "inputs"),
        (changed(inputs=0), "inputs"),
        (changed(outputs="1"), "outputs"),
        (changed(simulated=1), "simulated"),
        (changed(output_kind="cats"), "output_kind"),
        (changed(features="limits"), "features"),
        (changed(features=[["limits"]]), "features"),
        (changed(telemetry={"name": "t"}), "telemetry"),
        (changed(telemetry=["t"]), "channel"),
        (changed(telemetry=[{"name": 3}]), "name"),
        (changed(telemetry=[{"name": "t", "unit": None}]), "unit"),
        (changed(telemetry=[{"name": "t", "gain": 1}]), "gain"),
        (changed(telemetry=[{"unit": "V"}]), "name"),
        (changed(telemetry=[{"name": "t"}, {"name": "t"}]), "share a name"),
        (changed(groups=[{"name": "w", "count": 1, "slew_per_second": -1.0}]), "slew_per_second"),
        (changed(groups=[{"name": "w", "count": 1, "writes_budget": 0.5}]), "writes_budget"),
        (changed(output_kind=["values"]), "output_kind"),
        (changed(probe_seconds=float("nan")), "NaN"),
        (changed(colour="red"), "colour"),
    ],
)
def test_what_is_no_description_is_refused(data, says):
    with pytest.raises(LinkError, match=says):
        decode_description(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(DESCRIPTION.as_mapping())), JSON)
def test_any_value_of_any_key_is_taken_or_refused(key, value):
    try:
        decode_description(changed(**{key: value}))
    except LinkError:
        return


@given(st.sampled_from(sorted(DESCRIPTION.as_mapping()["groups"][0])), JSON)
def test_any_value_of_any_group_key_is_taken_or_refused(key, value):
    try:
        decode_description(changed(groups=[{"name": "w", "count": 1} | {key: value}]))
    except LinkError:
        return
