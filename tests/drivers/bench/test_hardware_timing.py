"""Blocks as lists: one start, one fetch, as long as lists and buffers allow."""

import numpy as np
import pytest

from mgd_lab.costs import CostFunction
from mgd_lab.errors import CapabilityError

ONE = np.array([[0.0, 1.0]], np.float32)


def test_a_block_is_loaded_armed_started_and_fetched_once(shelf, measured):
    chip, world = shelf.chip(timing="hardware")
    with chip:
        chip.switch_outputs(True)
        world.calls.clear()
        measured(chip)
    order = [
        ("dac", "load_list"),
        ("dmm", "arm_buffer"),
        ("awg", "arm_list"),
        ("dac", "arm_list"),
        ("dac", "start_list"),
        ("dmm", "fetch_buffer"),
        ("dac", "steps_played"),
        ("dac", "look_for_trips"),
    ]
    places = [world.calls.index(call) for call in order]
    assert places == sorted(places)
    assert [world.calls.count(call) for call in order] == [1] * len(order)


def test_a_step_lasts_as_long_as_settling_and_reading_take(shelf, yaml, measured):
    for settle, reading, dwell in ((0.05, 0.002, 0.05), (0.001, 0.1, 0.105)):
        text = yaml.replace("settle_seconds: 0.001", f"settle_seconds: {settle}")
        text = text.replace("fake_buffer,", f"fake_buffer, reading: {reading},")
        chip, world = shelf.chip(text, timing="hardware")
        with chip:
            chip.switch_outputs(True)
            measured(chip)
            assert world.players[0].dwell == pytest.approx(dwell)
            # The list is waited for as a whole: 12 probes of two steps.
            assert world.waits[-1] == pytest.approx(24 * dwell)


def test_a_longer_step_may_be_asked_for(shelf, measured):
    chip, world = shelf.chip(timing="hardware", list_dwell_seconds=1.0)
    with chip:
        chip.switch_outputs(True)
        measured(chip)
    assert world.players[0].dwell == 1.0


def test_what_is_longer_than_a_list_or_a_buffer_is_split(shelf, yaml, measured):
    costs = []
    for largest in (10_000, 9):
        text = yaml.replace("fake_buffer,", f"fake_buffer, largest: {largest},")
        chip, world = shelf.chip(text, timing="hardware")
        with chip:
            chip.switch_outputs(True)
            costs.append(measured(chip))
    assert costs[0].tobytes() == costs[1].tobytes()
    # Four probes of two steps fit into nine readings.
    assert world.calls.count(("dac", "start_list")) == 3


def test_who_does_not_change_plays_no_list(shelf):
    chip, world = shelf.chip(timing="hardware")
    with chip:
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), np.repeat(ONE, 3, axis=0))
        assert ("awg", "load_list") not in world.calls
        assert ("dac", "start_list") in world.calls
        assert world.levels["awg", "2"] == 2.0


def test_levels_after_a_list_are_sent_whatever_they_were(shelf, measured):
    chip, world = shelf.chip(timing="hardware")
    with chip:
        chip.switch_outputs(True)
        measured(chip)
        theta = chip.read_parameters()
        world.sent.clear()
        chip.write_parameters(theta)
        assert {name for name, _ in world.sent} == {"dac", "smu"}


@pytest.mark.parametrize(
    ("found", "instead", "reason"),
    [
        ("conductor: dac", "", "no conductor is named"),
        ("smu: {driver: fake_player", "smu: {driver: fake_source", "smu plays no lists"),
        ("dmm: {driver: fake_buffer", "dmm: {driver: fake_meter", "dmm has no buffer"),
        (
            "conductor: dac",
            "conductor: dac\ntriggers: [{from: dac, to: dmm}, {from: dmm, to: smu}]",
            "no trigger cable leads from dac to awg",
        ),
        ("conductor: dac", "conductor: dmm", "the conductor dmm drives nothing"),
        (
            "conductor: dac",
            "conductor: dac\nlimits: {parameters: {slew_per_second: 1000}}",
            "a list cannot keep slew_per_second",
        ),
    ],
)
def test_auto_tells_why_not(shelf, yaml, found, instead, reason):
    assert found in yaml
    chip, _ = shelf.chip(yaml.replace(found, instead))
    assert chip.timing_report.startswith("software, ")
    assert reason in chip.timing_report
    if "conductor: dac" not in found or "triggers" in instead or "dmm" in instead:
        with pytest.raises(CapabilityError, match=reason):
            shelf.chip(yaml.replace(found, instead), timing="hardware")


def test_auto_takes_hardware_where_it_can(shelf):
    chip, _ = shelf.chip()
    assert chip.timing_report.startswith("hardware, ")
    assert "probes/s" in chip.timing_report
    slower, _ = shelf.chip(timing="software")
    assert slower.description.probe_seconds > chip.description.probe_seconds


def test_times_are_those_of_the_instruments(shelf):
    chip, _ = shelf.chip(timing="software")
    # Told in parallel (1 ms), settled (1 ms), asked and read (1 + 2 + 0.01 ms).
    assert chip.description.probe_seconds == pytest.approx(0.00501)
    assert chip.description.largest_block == 998
    chip, _ = shelf.chip(timing="hardware")
    # Two steps of 1.05 · 2 ms; lists of six channels and readings of 10 µs each.
    assert chip.description.probe_seconds == pytest.approx(2 * (0.0021 + 6e-5 + 1e-5))


def test_a_probe_that_does_not_fit_into_the_buffer_is_refused(shelf, yaml):
    text = yaml.replace("fake_buffer,", "fake_buffer, largest: 3,")
    with pytest.raises(CapabilityError, match="a probe takes 4 steps"):
        shelf.chip(text, timing="hardware", reads_per_probe=3)


def test_evaluation_measures_many_samples_at_once(shelf, block):
    chip, world = shelf.chip(timing="hardware")
    _, _, _, inputs, targets = block
    with chip:
        chip.switch_outputs(True)
        chip.set_cost(CostFunction("mse"))
        y = chip.outputs(np.zeros(9), inputs)
        assert world.calls.count(("dac", "start_list")) == 1
        np.testing.assert_allclose(
            chip.costs(np.zeros(9), inputs, targets), (y[:, 0] - targets[:, 0]) ** 2
        )


@pytest.mark.parametrize("reads", [1, 3])
def test_a_meter_that_waits_for_settling_needs_no_step_for_it(shelf, yaml, measured, reads):
    costs = []
    for delay, steps, dwell in (
        (0.0, reads + 1, 0.0021),
        (0.0009, reads + 1, 0.0021),
        (0.001, reads, 0.0021),
    ):
        text = yaml.replace("fake_buffer,", f"fake_buffer, delay: {delay},")
        chip, world = shelf.chip(text, timing="hardware", reads_per_probe=reads)
        if delay == 0.0009:
            # Too short: it would read what has not settled. The step stays.
            assert chip._parts.timing._plan.dropped == 1
            continue
        with chip:
            chip.switch_outputs(True)
            costs.append(measured(chip))
        assert world.players[0].length == 12 * steps
        assert world.players[0].dwell == pytest.approx(dwell)
    assert costs[0].tobytes() == costs[1].tobytes()


UNCOUNTED = ("awg: {driver: fake_player,", "awg: {driver: fake_player, counts: false,")


def test_a_source_that_counts_nothing_is_not_played_unless_it_is_named(shelf, yaml, measured):
    text = yaml.replace(*UNCOUNTED)
    chip, _ = shelf.chip(text)
    assert chip.timing_report.startswith("software")
    assert "awg does not count its steps" in chip.timing_report
    with pytest.raises(CapabilityError, match=r"uncounted: \[awg\] takes your word"):
        shelf.chip(text, timing="hardware")
    named, _ = shelf.chip(text, uncounted=("awg",))
    assert named.timing_report.startswith("hardware")


def test_only_instruments_that_there_are_can_be_named(shelf, yaml):
    problem = shelf.problem(yaml + "uncounted: [agw]\n")
    assert "uncounted.0: no instrument 'agw'; did you mean 'awg'?" in problem
