"""The order of arming, what is compared on the way, and what is found out in time."""

from __future__ import annotations

import itertools
from contextlib import suppress

import numpy as np
import pytest

from mgd_lab.bench.arming import armed
from mgd_lab.controller.ramp import Ramp
from mgd_lab.errors import CapabilityError, ChipError, LimitError, StoppedError


def test_the_order(instrument, arming, behind_gate, log):
    chip = instrument()
    with armed(behind_gate(chip), arming(watchdog_seconds=3.0)):
        up = list(chip.told)
        assert chip.on
        assert chip.watched_seconds == 3.0
        np.testing.assert_array_equal(chip.register, np.linspace(-1, 1, 9))
        np.testing.assert_array_equal(chip.own_low, np.full(9, -2.0))
        chip.told.clear()
    assert up == [
        "write_limits",
        "read_limits",
        "read_parameters",
        "write_parameters",
        "outputs_are_on",
        "switch_outputs",
        "outputs_are_on",
        "watch_host",
        "read_parameters",
        "write_parameters",
    ]
    assert chip.told == [
        "read_parameters",
        "write_parameters",
        "switch_outputs",
        "read_parameters",
        "outputs_are_on",
        "watch_host",
    ]
    assert chip.is_safe()
    assert chip.watched_seconds == 0.0
    assert log.kinds == ["armed", "made_safe"]


def test_what_was_found_is_kept(instrument, arming, behind_gate, log):
    with armed(behind_gate(instrument()), arming()):
        pass
    found = log.events[0][2]
    assert found["limits"] == {"low": {"knobs": -2.0}, "high": {"knobs": 2.0}}
    assert found["identity"]["manufacturer"] == "MGD Lab"
    assert found["outputs_found_on"] is False
    np.testing.assert_array_equal(found["parameters"], np.full(9, 0.5))
    assert log.events[1][1] == "parameters at their safe values, outputs off, as read back"


def test_switching_on_does_not_jump(instrument, arming, behind_gate):
    """Between outputs on and the ramp, the registers hold what they held before."""
    chip = instrument()
    seen = []
    chip.fault = lambda name, number: seen.append((name, chip.register.copy()))
    with armed(behind_gate(chip), arming()):
        pass
    switched = next(values for name, values in seen if name == "switch_outputs")
    np.testing.assert_array_equal(switched, np.full(9, 0.5))


def test_only_what_the_description_names_is_used(instrument, arming, behind_gate, log):
    chip = instrument(features=())
    with armed(behind_gate(chip), arming()):
        assert set(chip.told) == {"read_parameters", "write_parameters"}
    assert chip.is_safe()
    assert log.events[1][1] == "parameters at their safe values, as read back"


def test_limits_that_do_not_stick(instrument, arming, behind_gate, monkeypatch):
    chip = instrument()
    near = np.nextafter(2.0, 3.0)

    def read_limits(self):
        return np.full(9, -2.0), np.r_[np.full(8, 2.0), near]

    monkeypatch.setattr(type(chip), "read_limits", read_limits)
    with (
        pytest.raises(ChipError, match=r"knobs\[8\]: its high limit was set to 2.0 and reads back"),
        armed(behind_gate(chip), arming()),
    ):
        pass
    assert "switch_outputs" in chip.told  # off, on the way out
    assert chip.highest == -np.inf, "outputs were never on"
    assert chip.is_safe()


def test_limits_within_the_resolution_stick(instrument, arming, behind_gate, monkeypatch):
    chip = instrument(resolution=0.125)
    held = np.full(9, -2.0), np.full(9, 2.1)
    monkeypatch.setattr(type(chip), "read_limits", lambda self: held)
    with armed(behind_gate(chip), arming()):
        pass


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_read_as_no_numbers(instrument, arming, behind_gate, value):
    chip = instrument()
    chip.register[3] = value
    with (
        pytest.raises(ChipError, match=r"knobs\[3\] reads (nan|inf)"),
        armed(behind_gate(chip), arming()),
    ):
        pass
    assert chip.highest == -np.inf
    assert chip.is_safe()


def test_parameters_found_beyond_the_limits_come_in(instrument, arming, behind_gate, log):
    chip = instrument()
    chip.register = np.full(9, 5.0)
    with armed(behind_gate(chip), arming()):
        pass
    assert chip.highest <= 2.0
    assert log.events[0][2]["found_outside"] == [f"knobs[{i}]" for i in range(9)]


def test_outputs_that_stay_off(instrument, arming, behind_gate, monkeypatch):
    chip = instrument()
    monkeypatch.setattr(type(chip), "outputs_are_on", lambda self: False)
    with pytest.raises(ChipError, match="read back as off"), armed(behind_gate(chip), arming()):
        pass


def test_a_watchdog_that_is_not_there(instrument, arming, behind_gate):
    chip = instrument(features=("limits", "output_switch"))
    with (
        pytest.raises(CapabilityError, match=r"chip\.watchdog_seconds"),
        armed(behind_gate(chip), arming(watchdog_seconds=1.0)),
    ):
        pass
    assert chip.told == []


class Time:
    """A clock that goes when somebody sleeps."""

    now = 0.0

    def monotonic(self):
        return self.now

    def utc(self):
        return self.now

    def boottime(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_the_way_is_no_faster_than_the_slew(instrument, arming, behind_gate):
    chip, time = instrument(slew_per_second=0.5), Time()
    slew = chip.description.slew_per_second
    ramp = Ramp(slew, interval_seconds=0.1, clock=time, sleep=time.sleep)
    gate = behind_gate(chip)
    gate._motion._clock, gate._motion._sleep = time, time.sleep
    held = []
    chip.fault = lambda name, number: held.append((time.now, chip.register.copy()))
    with armed(gate, arming(ramp=ramp)):
        np.testing.assert_array_equal(chip.register, np.linspace(-1, 1, 9))
    assert chip.is_safe()
    for (before, earlier), (after, later) in itertools.pairwise(held):
        moved = np.abs(later - earlier).max()
        assert moved <= 0.5 * 0.1 + 1e-9
        assert after >= before
    assert time.now >= (1.5 + 1.25) / 0.5 - 1e-6


def test_found_beyond_the_limits_and_slow(instrument, arming, behind_gate):
    """No way back in keeps both limits and slew: the limits win, and the rest is a ramp."""
    chip, time = instrument(slew_per_second=0.5), Time()
    chip.register = np.full(9, 5.0)
    ramp = Ramp(chip.description.slew_per_second, clock=time, sleep=time.sleep)
    gate = behind_gate(chip)
    gate._motion._clock, gate._motion._sleep = time, time.sleep
    with armed(gate, arming(ramp=ramp)):
        np.testing.assert_array_equal(chip.register, np.linspace(-1, 1, 9))
    assert chip.is_safe()
    assert chip.highest <= 2.0
    assert time.now >= (3.0 + 1.25) / 0.5 - 1e-6


def test_a_start_beyond_the_limits_is_refused(instrument, arming, behind_gate):
    chip = instrument()
    with pytest.raises(LimitError), armed(behind_gate(chip), arming(start=np.full(9, 2.5))):
        pass
    assert chip.highest <= 2.0
    assert chip.is_safe()


def test_interrupted_at_every_rung(instrument, arming, behind_gate, log):
    """A signal while it is armed: nothing stays half energised, and nothing trains."""
    total = None
    for number in range(1, 40):
        chip, settings = instrument(), arming(watchdog_seconds=1.0)

        def stop(name, n, at=number, event=settings.interrupt.event):
            if n == at:
                event.set()

        chip.fault = stop
        entered = False
        with suppress(StoppedError), armed(behind_gate(chip), settings):
            entered, total = True, number
        assert entered == (total is not None)
        assert chip.is_safe()
        assert chip.watched_seconds == 0.0
        if total is not None:
            break
    assert total == 11, "one more than there are uses of the chip on the way up"
    assert "made_safe" in log.kinds


def test_safe_for_a_while(instrument, arming, behind_gate):
    chip = instrument()
    with armed(behind_gate(chip), arming(watchdog_seconds=3.0)) as safety:
        safety.make_safe()
        assert chip.is_safe()
        assert chip.watched_seconds == 3.0
        safety.energise(np.full(9, 0.75))
        assert chip.on
        np.testing.assert_array_equal(chip.register, np.full(9, 0.75))
    assert chip.is_safe()
