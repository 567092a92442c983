"""Whatever fails in a block, no reading is paired with another probe, and the way down is told."""

from contextlib import suppress

import numpy as np
import pytest

from mgd_lab.costs import CostFunction
from mgd_lab.errors import (
    ChipError,
    InstrumentError,
    LimitError,
    LinkError,
    MeasurementError,
    UnverifiedError,
)

TIMINGS = ["software", "hardware"]
RETRIED = {"per_block": 2, "backoff_seconds": 0.0}


def good(shelf, measured, timing):
    chip, _ = shelf.chip(timing=timing)
    with chip:
        chip.switch_outputs(True)
        return measured(chip)


def safe(chip, world):
    """Whether all sources are as they should be left."""
    levels = {
        knob.instrument: abs(
            knob.conversion.value(world.levels[knob.instrument, knob.channel]) - knob.safe
        )
        < 1e-9
        for knob in world.knobs
    }
    return all(levels.values()) and not any(world.on.values())


@pytest.mark.parametrize(
    ("timing", "name", "method"),
    [
        ("software", "dmm", "measure"),
        ("software", "dac", "set_levels"),
        ("hardware", "dmm", "fetch_buffer"),
        ("hardware", "awg", "load_list"),
        ("hardware", "dac", "steps_played"),
    ],
)
def test_a_fault_of_a_link_has_the_block_measured_again(shelf, measured, timing, name, method):
    expected = good(shelf, measured, timing)
    chip, world = shelf.chip(timing=timing, retries=RETRIED)
    with chip:
        chip.switch_outputs(True)
        world.faults[name, method] = [LinkError(f"{name}: late")]
        assert measured(chip).tobytes() == expected.tobytes()
        recoveries = chip.take_recoveries()
    (recovery,) = recoveries
    assert recovery.remeasured_probes == 12
    assert f"{name}: late" in recovery.message
    assert world.calls.count((name, "connect")) == 2
    assert safe(chip, world)


def test_a_lost_count_has_the_block_measured_again(shelf, measured):
    expected = good(shelf, measured, "hardware")
    chip, world = shelf.chip(timing="hardware", retries=RETRIED)
    with chip:
        chip.switch_outputs(True)
        world.lost_markers = 1
        assert measured(chip).tobytes() == expected.tobytes()
        (recovery,) = chip.take_recoveries()
        assert "23 readings, 24 were triggered" in recovery.message


def test_a_follower_that_lost_a_trigger_is_found_by_its_count(shelf, measured):
    chip, world = shelf.chip(timing="hardware", retries={"per_block": 0, "backoff_seconds": 0.0})
    awg = world.players[2]
    step = awg.step
    lost = iter([True])
    awg.step = lambda: None if next(lost, False) else step()

    def run():
        with chip:
            chip.switch_outputs(True)
            measured(chip)

    with pytest.raises(LinkError, match="awg: its list of 24 steps was played for 23"):
        run()


def test_a_meter_that_gives_too_few_is_not_believed(shelf, measured):
    chip, world = shelf.chip(timing="software", retries={"per_block": 0, "backoff_seconds": 0.0})
    dmm = world.buffers[0]
    dmm.measure = lambda count: np.empty((0, 1))

    def run():
        with chip:
            chip.switch_outputs(True)
            measured(chip)

    with pytest.raises(LinkError, match="1 readings were asked for"):
        run()


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_dead_meter_does_not_keep_the_sources_from_going_down(shelf, measured, timing):
    chip, world = shelf.chip(timing=timing, retries=RETRIED)
    with chip:
        chip.switch_outputs(True)
        chip.write_parameters(np.full(9, 0.25))
        world.dead.add("dmm")
        with pytest.raises(LinkError, match="dmm"):
            measured(chip)
        world.calls.clear()
        for value in (0.2, 0.1, 0.0):
            chip.write_parameters(np.full(9, value))
        np.testing.assert_allclose(chip.read_parameters(), 0.0, atol=1e-12)
        chip.switch_outputs(False)
        assert not chip.outputs_are_on()
        assert "dmm" not in {name for name, _ in world.calls}
        world.dead.clear()
        chip.switch_outputs(True)
        # What was dead is opened anew before it is believed again.
        measured(chip)
        assert ("dmm", "connect") in world.calls
    assert safe(chip, world)


@pytest.mark.parametrize("timing", TIMINGS)
def test_a_trip_ends_the_block_and_the_chip_is_safe(shelf, measured, timing):
    chip, world = shelf.chip(timing=timing)

    def run():
        with chip:
            chip.switch_outputs(True)
            world.trips["smu"] = ["compliance on a"]
            measured(chip)

    with pytest.raises(ChipError, match="smu: compliance on a") as caught:
        run()

    assert not isinstance(caught.value, LinkError)
    assert safe(chip, world)


@pytest.mark.parametrize("down", ["ramp", "switch", "leave"])
def test_trips_of_the_last_blocks_are_told_at_the_end(shelf, measured, down):
    chip, world = shelf.chip(timing="software", trips_every_blocks=10)

    def run():
        with chip:
            chip.switch_outputs(True)
            measured(chip)
            world.trips["smu"] = ["compliance on a"]
            measured(chip)
            if down == "ramp":
                chip.write_parameters(np.zeros(9))
                world.trips.clear()
            if down == "switch":
                chip.switch_outputs(False)

    with pytest.raises(ChipError, match=r"compliance on a.*after the last 2 blocks only"):
        run()
    assert safe(chip, world)


@pytest.mark.parametrize("down", ["switch", "leave"])
@pytest.mark.parametrize("error", [ValueError("a bug"), LinkError("no answer")])
def test_a_look_at_the_last_blocks_that_fails_keeps_nothing_on(shelf, measured, down, error):
    chip, world = shelf.chip(timing="software", trips_every_blocks=10)

    def run():
        with chip:
            chip.switch_outputs(True)
            measured(chip)
            world.faults["smu", "look_for_trips"] = [error] * 9
            if down == "switch":
                with suppress(ValueError):
                    chip.switch_outputs(False)

    run()
    assert safe(chip, world)


def test_a_level_that_the_instrument_refuses(shelf, measured):
    chip, world = shelf.chip(timing="software")

    def run():
        with chip:
            chip.switch_outputs(True)
            world.faults["smu", "set_levels"] = [LimitError("smu: -222, data out of range")]
            measured(chip)

    with pytest.raises(LimitError, match="-222"):
        run()

    assert safe(chip, world)


@pytest.mark.parametrize(
    ("timing", "method"), [("software", "measure"), ("hardware", "fetch_buffer")]
)
def test_an_overload_is_told_with_what_may_have_caused_it(shelf, measured, timing, method):
    chip, world = shelf.chip(timing=timing)

    def run():
        with chip:
            chip.switch_outputs(True)
            world.faults["dmm", method] = [MeasurementError("dmm: an overflow")]
            world.trips["smu"] = ["compliance on a"]
            measured(chip)

    with pytest.raises(MeasurementError, match="overflow") as caught:
        run()

    assert any("compliance on a" in note for note in caught.value.__notes__)
    assert safe(chip, world)


def test_error_queues_are_looked_into_every_so_many_blocks(shelf, measured):
    chip, world = shelf.chip(timing="software", errors_every_blocks=2)

    def run():
        with chip:
            chip.switch_outputs(True)
            world.errors["awg"] = ["-113, undefined header"]
            measured(chip)
            measured(chip)

    with pytest.raises(InstrumentError, match="awg reports -113, undefined header"):
        run()


def test_and_at_the_end(shelf):
    chip, world = shelf.chip()

    def run():
        with chip:
            chip.switch_outputs(True)
            world.errors["dmm"] = ["-410, query interrupted"]

    with pytest.raises(InstrumentError, match="dmm reports -410"):
        run()

    assert safe(chip, world)
    assert world.calls[-4:] != []
    assert {name for name, method in world.calls if method == "close"} == {
        "dac",
        "smu",
        "awg",
        "dmm",
    }


def test_outputs_that_went_off_by_themselves_are_found(shelf, measured):
    chip, world = shelf.chip(timing="software", errors_every_blocks=1)

    def run():
        with chip:
            chip.switch_outputs(True)
            world.before_call = lambda name, method: (
                world.on.__setitem__("smu", False) if method == "take_errors" else None
            )
            measured(chip)

    with pytest.raises(ChipError, match="has switched its outputs off"):
        run()


def test_an_instrument_that_was_restarted_is_not_used_on(shelf, measured):
    chip, world = shelf.chip(timing="software", retries=RETRIED)

    def restart(name, method):
        if (name, method) == ("smu", "connect") and world.on["smu"]:
            for channel in "abc":
                world.levels["smu", channel] = 0.0
            world.on["smu"] = False

    world.before_call = restart

    def run():
        with chip:
            chip.switch_outputs(True)
            world.faults["smu", "read_levels"] = [LinkError("smu: no answer")]
            chip.write_parameters(chip.description.high)
            chip.read_parameters()

    with pytest.raises(ChipError, match="smu: after its link was opened again, b1") as caught:
        run()

    assert not isinstance(caught.value, LinkError)


def test_one_that_dies_in_a_block_is_named_and_all_others_are_made_safe(shelf, measured):
    chip, world = shelf.chip(timing="software", retries={"per_block": 1, "backoff_seconds": 0.0})

    def run():
        with chip:
            chip.switch_outputs(True)
            measured(chip)
            world.dead.add("smu")
            measured(chip)

    with pytest.raises(LinkError, match="smu: no answer") as caught:
        run()

    (note,) = [each for each in caught.value.__notes__ if "could not be verified" in each]
    assert "safe values: smu: no answer" in note
    assert "All others (dac, awg) are, as read back" in note
    assert not world.on["dac"]
    assert not world.on["awg"]
    assert world.on["smu"]


def test_one_that_dies_on_the_way_down_is_an_error_of_its_own(shelf):
    chip, world = shelf.chip()

    def run():
        with chip:
            chip.switch_outputs(True)
            world.dead.add("dac")

    with pytest.raises(UnverifiedError, match=r"could not be verified.*dac") as caught:
        run()

    assert "smu" not in str(caught.value).partition("All others")[0]
    assert not world.on["smu"]


@pytest.mark.parametrize(
    "error", [LimitError("smu: -222"), InstrumentError("smu: -100"), ValueError("a bug")]
)
def test_what_cannot_be_set_is_switched_off_all_the_same(shelf, error):
    chip, world = shelf.chip()

    def run():
        with chip:
            chip.switch_outputs(True)
            world.faults["smu", "set_levels"] = [error]

    with pytest.raises(UnverifiedError, match=str(error)):
        run()

    assert not any(world.on.values())


def test_a_link_that_fails_on_the_way_down_is_opened_anew(shelf):
    chip, world = shelf.chip()
    with chip:
        chip.switch_outputs(True)
        world.faults["smu", "set_levels"] = [LinkError("smu: out of step")]
    assert safe(chip, world)


def test_levels_beyond_the_mapping_are_refused_before_anything_is_sent(shelf, block):
    chip, world = shelf.chip()
    theta, samples, perturbations, inputs, targets = block
    with chip:
        chip.switch_outputs(True)
        chip.set_cost(CostFunction("mse"))
        chip.load_samples(inputs, targets)
        world.sent.clear()
        for wrong in (3.5, np.nan):
            moved = perturbations.copy()
            moved[7, 4] = wrong
            with pytest.raises(LimitError, match=r"w5 .*its limits are -3 to 3 V"):
                chip.measure_dense(theta, samples, moved)
        assert not world.sent


def test_nothing_is_measured_while_outputs_are_off(shelf, measured):
    chip, _ = shelf.chip()
    with chip, pytest.raises(ChipError, match="its outputs are off"):
        measured(chip)


def test_a_second_ctrl_c_leaves_the_links_to_be_opened_anew(shelf, measured):
    chip, world = shelf.chip(timing="software")
    with chip:
        chip.switch_outputs(True)
        world.faults["dmm", "measure"] = [KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt):
            measured(chip)
        chip.read_parameters()
        assert world.calls.count(("smu", "connect")) == 2
        assert world.calls.count(("dmm", "connect")) == 1
        measured(chip)
        assert world.calls.count(("dmm", "connect")) == 2
    assert safe(chip, world)


def test_the_chip_file_s_limits_and_safe_values_are_the_driver_s_own(shelf):
    limits = {"parameters": {"low": -1.0, "high": 1.0}, "groups": {"biases": {"safe": -0.25}}}
    chip, world = shelf.chip(limits=limits)
    with chip:
        chip.switch_outputs(True)
        with pytest.raises(LimitError, match=r"w1 .* its limits are -1 to 1 V"):
            chip.write_parameters(np.full(9, 1.5))
    assert world.levels["smu", "a"] == 0.125
