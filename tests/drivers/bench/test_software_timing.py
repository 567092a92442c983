"""Only what changes is sent, in one exchange an instrument, and its settling is waited for."""

import numpy as np
import pytest

from mgd_lab.costs import CostFunction

ONE = np.array([[0.0, 1.0]], np.float32)


@pytest.fixture
def opened(shelf):
    def opened(**changes):
        chip, world = shelf.chip(timing="software", **changes)
        chip.__enter__()
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), ONE)
        world.sent.clear()
        world.waits.clear()
        world.calls.clear()
        return chip, world

    return opened


def test_what_does_not_change_is_not_sent_again(opened):
    chip, world = opened()
    first = chip.outputs(np.zeros(9), ONE)
    again = chip.outputs(np.zeros(9), ONE)
    assert first.tobytes() == again.tobytes()
    assert not world.sent
    assert not world.waits


def test_one_exchange_sets_all_that_changes_of_an_instrument(opened):
    chip, world = opened()
    theta = np.zeros(9)
    theta[[0, 2, 8]] = 1.0
    chip.outputs(theta, ONE)
    sent = dict(world.sent)
    assert len(world.sent) == 2
    assert sent["dac"] == {"1": pytest.approx(1.8), "3": pytest.approx(1.8)}
    assert sent["smu"] == {"c": -0.5}


@pytest.mark.parametrize(("changed", "seconds"), [(0, 0.001), (8, 0.25), ([0, 8], 0.25)])
def test_the_slowest_of_what_changed_is_waited_for(shelf, yaml, changed, seconds):
    text = yaml.replace("safe: 0.5", "safe: 0.5, settle_seconds: 0.25")
    chip, world = shelf.chip(text, timing="software")
    with chip:
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), ONE)
        world.waits.clear()
        theta = np.zeros(9)
        theta[changed] = 1.0
        chip.outputs(theta, ONE)
        assert world.waits == [pytest.approx(seconds)]


def test_no_wait_is_shorter_than_the_instrument_takes_itself(shelf, yaml):
    chip, world = shelf.chip(yaml.replace("settle_seconds: 0.001\n", ""), timing="software")
    with chip:
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), ONE)
        assert world.waits[-1] == pytest.approx(0.0005)


def test_a_level_that_may_not_have_arrived_is_sent_again(opened):
    chip, world = opened(retries={"per_block": 0, "backoff_seconds": 0.0})
    world.dead.add("dac")
    with pytest.raises(Exception, match="dac: no answer"):
        chip.write_parameters(np.ones(9))
    world.dead.clear()
    chip.write_parameters(np.zeros(9))
    assert [name for name, _ in world.sent] == ["smu", "dac", "smu"]


def test_samples_of_a_block_are_those_that_are_named(shelf, block, measured):
    chip, world = shelf.chip(timing="software")
    with chip:
        chip.switch_outputs(True)
        measured(chip)
        theta, samples, perturbations, inputs, _ = block
        x = [world.levels["awg", "1"], world.levels["awg", "2"] * 0.25 + 0.5]
        assert x == pytest.approx(inputs[samples[-1]].tolist())
        w1 = world.levels["dac", "1"] * 0.5 + 0.1
        assert w1 == pytest.approx(float(theta[0]) + float(perturbations[-1, 0]))


@pytest.mark.parametrize("timing", ["software", "hardware"])
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("gain: 0.2, offset: -0.1", lambda y: y),
        ("gain: 0.2, offset: -0.1, take: integral", lambda y: 3 * 0.002 * y),
        ("gain: 0.2, offset: -0.1, take: threshold, threshold: 0.4", lambda y: 1.0 * (y > 0.4)),
        ("gain: 0.2, offset: -0.1, take: threshold, threshold: 0.9", lambda y: 1.0 * (y > 0.9)),
    ],
)
def test_what_is_taken_of_the_readings(shelf, yaml, timing, keys, expected):
    plain, _world = shelf.chip()
    text = yaml.replace("gain: 0.2, offset: -0.1", keys)
    chip, _ = shelf.chip(text, timing=timing, reads_per_probe=3)
    with plain, chip:
        for each in (plain, chip):
            each.switch_outputs(True)
        y = plain.outputs(np.zeros(9), ONE)
        np.testing.assert_allclose(chip.outputs(np.zeros(9), ONE), expected(y), rtol=1e-12)


@pytest.mark.parametrize("timing", ["software", "hardware"])
def test_fixed_and_masked_parameters_stay_where_they_are_held(shelf, yaml, timing):
    text = yaml.replace("safe: 0.5", "fixed: 1.0").replace(
        "offset: 0.1", "offset: 0.1, masked: [w2]"
    )
    chip, world = shelf.chip(text, timing=timing)
    assert chip.description.parameters == 5
    assert [group.name for group in chip.description.groups] == ["weights"]
    with chip:
        chip.switch_outputs(True)
        assert world.levels["smu", "a"] == -0.5
        found = chip.outputs(np.arange(5) / 5, ONE)
        whole, _wired = shelf.chip()
        with whole:
            whole.switch_outputs(True)
            theta = np.array([0.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0])
            np.testing.assert_allclose(found, whole.outputs(theta, ONE), rtol=1e-12)
    # Held only while outputs are on.
    assert world.levels["smu", "a"] == 0.0


def test_a_cost_that_the_chip_computes_is_read(shelf, yaml):
    text = yaml.replace("  dmm:", "  lockin: {driver: fake_meter, channels: [c]}\n  dmm:")
    text = text.replace('channels: ["1", "2"]}', 'channels: ["1", "2", "3"]}')
    text += (
        "cost: {from: instrument, instrument: lockin, channel: c, gain: 2.0,"
        ' targets: [{instrument: awg, channel: "3", low: 0, high: 1}]}\n'
    )
    chip, _world = shelf.chip(text)
    targets = np.array([[1.0]], np.float32)
    with chip:
        chip.switch_outputs(True)
        chip.set_cost(CostFunction("mse"))
        y = chip.outputs(np.zeros(9), ONE)
        found = chip.costs(np.zeros(9), ONE, targets)
        np.testing.assert_allclose(found, (y[:, 0] - 1) ** 2, rtol=1e-12)
        with pytest.raises(Exception, match="the chip computes mse by itself"):
            chip.set_cost(CostFunction("cross_entropy"))


def test_telemetry_has_what_is_read_back_and_what_is_watched(shelf, yaml):
    text = yaml.replace("  dmm:", "  ammeter: {driver: fake_meter, channels: [i], unit: A}\n  dmm:")
    text += "telemetry: [{name: supply, instrument: ammeter, channel: i, unit: mA, gain: 1000}]\n"
    chip, world = shelf.chip(text)
    world.read = lambda name, channel: 0.02
    assert [channel.name for channel in chip.description.telemetry][-3:] == ["b2", "b3", "supply"]
    assert chip.description.telemetry[-1].unit == "mA"
    with chip:
        chip.write_parameters(np.linspace(-1, 1, 9))
        found = chip.read_telemetry()
        np.testing.assert_allclose(found, [*np.linspace(-1, 1, 9), 20.0])
        from mgd_lab.errors import MeasurementError

        world.faults["ammeter", "measure"] = [MeasurementError("an overflow")]
        assert np.isnan(chip.read_telemetry()[-1])


@pytest.mark.parametrize(("delay", "waited"), [(0.0, [0.001]), (0.0006, [0.0004]), (0.002, [])])
def test_settling_goes_on_while_the_meter_waits_by_itself(shelf, yaml, delay, waited):
    text = yaml.replace("fake_buffer,", f"fake_buffer, delay: {delay},")
    chip, world = shelf.chip(text, timing="software")
    with chip:
        chip.switch_outputs(True)
        chip.outputs(np.zeros(9), ONE)
        world.waits.clear()
        chip.outputs(np.ones(9), ONE)
        assert world.waits == pytest.approx(waited)
