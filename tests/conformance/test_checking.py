"""Chip files, choices and reports."""

import pytest

from mgd_lab.conformance import CHECKS, check_chip
from mgd_lab.errors import ConfigurationError, ExperimentFileError, LimitError

CHIP = "driver: emulated\nnetwork: {layers: [2, 2, 1]}\n"


@pytest.fixture
def chip_file(tmp_path):
    path = tmp_path / "chip.yaml"
    path.write_text(CHIP)
    return path


def test_every_check_is_reported_in_order(chip_file):
    seen = []
    results = check_chip(chip_file, observe=seen.append)
    assert seen == results
    names = list(dict.fromkeys(result.name.partition("[")[0] for result in results))
    assert names == [check.name for check in CHECKS]
    assert all(result.ok and result.reason and result.about for result in results)
    timing = {result.name: result.figures for result in results}["timing[signs]"]
    assert set(timing) == {
        "exchange_seconds",
        "probes_per_second_block_1",
        "probes_per_second_block_64",
        "probes_per_second_block_largest",
    }


def test_changes_reach_the_chip(chip_file):
    (result,) = check_chip(chip_file, ["chip.limits.parameters.high=2"], checks=["limits"])
    assert result.figures == {"limits": 9}


@pytest.mark.parametrize(
    ("changes", "part"),
    [(["chip.rungs=cost"], "chip.rungs"), (["rung=cost"], "use chip.rung"), (["chip"], "expected")],
)
def test_wrong_changes(chip_file, changes, part):
    with pytest.raises(ExperimentFileError, match=part):
        check_chip(chip_file, changes)


def test_wrong_files_name_their_line(chip_file):
    chip_file.write_text(CHIP + "speed: 3\n")
    with pytest.raises(ExperimentFileError, match=r"chip.yaml:3: speed: unknown key"):
        check_chip(chip_file)


def test_unknown_checks(chip_file):
    with pytest.raises(ConfigurationError, match=r"no check speed; the checks are description"):
        check_chip(chip_file, checks=["speed"])


@pytest.mark.parametrize(
    "keys", [{"amplitude": 0.0}, {"amplitude": float("nan")}, {"tolerance": -1}]
)
def test_wrong_numbers(chip_file, keys):
    with pytest.raises(ConfigurationError, match=next(iter(keys))):
        check_chip(chip_file, **keys)


def test_an_amplitude_that_does_not_fit(chip_file):
    with pytest.raises(LimitError):
        check_chip(
            chip_file, {"chip.limits": {"parameters": {"high": 1, "low": -1}}}, amplitude=3.0
        )
