"""What signals do to those who heed them, and to those who are shielded."""

from __future__ import annotations

import signal
import threading

import pytest

from mgd_lab.bench.interruption import NEXT_BLOCK, SHIELDED, Interrupt, heeded

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", ALL)
def test_the_first_sets_the_event(number):
    said = []
    interrupt = Interrupt(notice=said.append)
    with interrupt.heeding():
        signal.raise_signal(number)
        assert interrupt.event.is_set()
    assert said == [NEXT_BLOCK]


def test_the_second_ctrl_c_raises_and_only_once():
    interrupt = Interrupt()
    with interrupt.heeding():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_shielded():
    said = []
    interrupt = Interrupt(notice=said.append)
    with interrupt.heeding(), interrupt.shield():
        for _ in range(5):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interrupt.at_once():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert said == [SHIELDED] * 6


def test_what_is_ignored_stays_ignored():
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt = Interrupt()
        with interrupt.heeding():
            signal.raise_signal(signal.SIGHUP)
        assert not interrupt.event.is_set()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, earlier)


def test_handlers_of_the_program_are_left_alone():
    seen = []
    earlier = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with heeded(None) as interrupt:
            signal.raise_signal(signal.SIGTERM)
        assert seen == [signal.SIGTERM]
        assert not interrupt.event.is_set()
    finally:
        signal.signal(signal.SIGTERM, earlier)


def test_who_gave_an_event_has_it_set_and_the_signal_afterwards():
    """A program that Ctrl-C would have ended is ended by it, when the chip is safe."""
    event, safe = threading.Event(), False
    with pytest.raises(KeyboardInterrupt), heeded(event):  # noqa: PT012 (raised at its end)
        signal.raise_signal(signal.SIGINT)
        assert event.is_set()
        safe = True
    assert safe
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_one_that_is_heeded_already_is_taken_as_it_is():
    interrupt = Interrupt()
    with interrupt.heeding(), heeded(interrupt) as found:
        assert found is interrupt
        signal.raise_signal(signal.SIGINT)
    assert interrupt.event.is_set()


def test_on_another_thread_nothing_is_handled():
    handlers = []

    def work():
        with heeded(None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_waiting_ends_with_a_signal():
    interrupt = Interrupt()
    with interrupt.heeding():
        timer = threading.Timer(0.02, lambda: signal.raise_signal(signal.SIGTERM))
        timer.start()
        interrupt.wait()
        timer.join()
