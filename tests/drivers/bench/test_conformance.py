"""A bench is a chip like any other."""

import pytest

from mgd_lab.conformance import check_built_chip
from mgd_lab.conformance.registry import CHECKS

# All but the one that only measures how fast it is.
JUDGED = [check.name for check in CHECKS if check.name != "timing"]

BY_INSTRUMENT = """\
cost: {from: instrument, instrument: lockin, channel: c, gain: 2.0, targets: [
  {instrument: awg, channel: "3", low: 0, high: 1}]}
"""


@pytest.mark.parametrize("timing", ["software", "hardware"])
def test_the_contract_is_kept(shelf, timing):
    chip, _ = shelf.chip(timing=timing, max_block_probes=32)
    results = check_built_chip(chip, chip._settings, tolerance=1e-12, checks=JUDGED)
    failures = {result.name: result.reason for result in results if not result.ok}
    assert not failures
    passed = {result.name for result in results if result.status == "passed"}
    assert {"registers", "safe_state", "output_switch", "agreement[dense]", "telemetry"} <= passed


def test_so_is_it_where_the_chip_computes_its_cost(shelf, yaml):
    text = (
        yaml.replace('channels: ["1", "2"]}', 'channels: ["1", "2", "3"]}').replace(
            "  dmm:", "  lockin: {driver: fake_meter, channels: [c]}\n  dmm:"
        )
        + BY_INSTRUMENT
    )
    chip, _ = shelf.chip(text, max_block_probes=32)
    assert chip.description.rungs == ("forward", "cost", "dense")
    results = check_built_chip(chip, chip._settings, tolerance=1e-12, checks=JUDGED)
    assert not {result.name: result.reason for result in results if not result.ok}
    assert "agreement[cost]" in {result.name for result in results if result.status == "passed"}


def test_and_where_sources_have_no_switch_but_their_level(shelf, yaml):
    text = yaml.replace("driver: fake_player,", "driver: fake_player, has_switch: false,")
    text = text.replace("safe: 0.5", "safe: 0.0").replace("offset: 0.1", "offset: 0.0")
    text = text.replace("gain: 0.25, offset: 0.5", "gain: 0.25")
    chip, _ = shelf.chip(text, timing="software", max_block_probes=32)
    results = check_built_chip(chip, chip._settings, tolerance=1e-12, checks=JUDGED)
    assert not {result.name: result.reason for result in results if not result.ok}
