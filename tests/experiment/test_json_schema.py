import jsonschema
import pytest

from mgd_lab.experiment import (
    chip_json_schema,
    experiment_from_mapping,
    json_schema,
    resolved_mapping,
)

CHIP = {"driver": "emulated", "network": {"layers": [2, 2, 1]}}
GOOD = {"chip": CHIP, "task": {"dataset": "parity"}}


@pytest.fixture
def validator(drivers):
    schema = json_schema(drivers)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    return jsonschema.Draft202012Validator(schema)


def test_what_is_valid(validator, drivers):
    assert validator.is_valid(GOOD)
    assert validator.is_valid({**GOOD, "chip": "chips/parity2.yaml"})
    assert validator.is_valid({**GOOD, "chip": {"driver": "scpi", "resource": "X"}})
    assert validator.is_valid({**GOOD, "training": {"perturbation": {"amplitude": {"w": 0.1}}}})
    assert validator.is_valid({**GOOD, "training": {"initial": {"from": "chip"}}})
    validator.validate(resolved_mapping(experiment_from_mapping(GOOD, drivers=drivers)))


@pytest.mark.parametrize(
    "change",
    [
        {"sead": 3},
        {"seed": -1},
        {"chip": {"driver": "nothing"}},
        {"chip": {**CHIP, "resource": "X"}},
        {"chip": {"driver": "scpi", "network": {"layers": [2, 1]}}},
        {"chip": 3},
        {"training": {"perturbation": {"amplitude": 0}}},
        {"training": {"initial": {"source": "chip"}}},
        {"stop": {"steps": "many"}},
    ],
)
def test_what_is_not(validator, change):
    assert not validator.is_valid({**GOOD, **change})


def test_chip_files(drivers):
    schema = chip_json_schema(drivers)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(CHIP)
    assert not validator.is_valid({"driver": "scpi"})
    assert not validator.is_valid({"driver": "nothing"})
    assert not validator.is_valid({"network": {"layers": [2, 1]}})


def test_descriptions_carry_units(drivers):
    definitions = json_schema(drivers)["$defs"]
    assert "steps" in definitions["TimeConstants"]["properties"]["tau_p"]["description"]
    assert (
        "seconds" in definitions["Logging"]["properties"]["checkpoint_every_seconds"]["description"]
    )


def test_two_drivers_may_share_their_settings(drivers):
    shared = {"a": drivers["scpi"], "b": drivers["scpi"]}
    validator = jsonschema.Draft202012Validator(chip_json_schema(shared))
    assert validator.is_valid({"driver": "a", "resource": "X"})
    assert validator.is_valid({"driver": "b", "resource": "X"})
    assert not validator.is_valid({"driver": "scpi", "resource": "X"})
