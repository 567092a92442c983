"""Events in their order, whoever lets time pass."""

from __future__ import annotations

import threading
import time

import pytest

from sim_instruments.bench.clock import RealClock, VirtualClock


def test_events_come_at_their_time_and_in_the_order_of_the_calls():
    clock, seen = VirtualClock(), []
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("never", 9.0)):
        clock.later(at, lambda name=name: seen.append((name, clock.now())))
    clock.spend(3.0)
    assert seen == [("a", 1.0), ("b", 1.0), ("c", 2.0)]
    assert clock.now() == 3.0


def test_an_event_may_bring_others():
    clock, seen = VirtualClock(), []

    def step(k):
        seen.append(clock.now())
        if k:
            clock.later(0.5, lambda: step(k - 1))

    clock.later(0, lambda: step(3))
    clock.spend(10)
    assert seen == [0.0, 0.5, 1.0, 1.5]


def test_waiting_ends_where_nothing_can_come_any_more():
    clock, seen = VirtualClock(), []
    clock.later(5.0, lambda: seen.append(1))
    assert clock.wait(lambda: len(seen) == 1, 60)
    assert clock.now() == 5.0
    assert not clock.wait(lambda: len(seen) == 2, 60)
    assert clock.now() == 5.0


def test_waiting_ends_after_its_time_though_events_go_on():
    clock = VirtualClock()

    def for_ever():
        clock.later(1.0, for_ever)

    for_ever()
    assert not clock.wait(lambda: False, 60)
    assert clock.now() == 60.0


def test_an_instrument_that_is_busy_within_an_event_delays_the_rest():
    clock, seen = VirtualClock(), []
    clock.later(1.0, lambda: clock.spend(5.0))
    clock.later(2.0, lambda: seen.append(clock.now()))
    clock.spend(3.0)
    assert seen == [2.0]
    assert clock.now() == 6.0


def test_tasks_together_take_as_long_as_the_slowest():
    clock, began = VirtualClock(), []

    def task(seconds):
        began.append(clock.now())
        clock.spend(seconds)

    clock.spend(1.0)
    clock.together([lambda: task(2.0), lambda: task(5.0), lambda: task(1.0)])
    assert began == [1.0, 1.0, 1.0]
    assert clock.now() == 6.0


def test_all_tasks_are_run_whatever_one_raises():
    clock, ran = VirtualClock(), []

    def fails():
        raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        clock.together([fails, lambda: ran.append(1)])
    assert ran == [1]


def test_real_time_waits_and_lets_others_have_their_turn():
    clock, seen = RealClock(), []

    def slow():
        with clock.turn():
            clock.spend(0.2)
            seen.append("slow")

    thread = threading.Thread(target=slow)
    started = time.monotonic()
    thread.start()
    while clock.now() == 0.0:
        with clock.turn():
            clock.spend(0.001)
    seen.append("quick")
    thread.join()
    assert seen == ["quick", "slow"]
    assert time.monotonic() - started >= 0.2


def test_real_time_catches_up_with_what_was_due():
    clock, seen = RealClock(), []
    clock.later(0.01, lambda: seen.append(1))
    assert clock.wait(lambda: bool(seen), 5)
    assert not clock.wait(lambda: False, 0.01)
