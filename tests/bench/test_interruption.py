"""Signals as whoever controls a chip heeds them."""

import os
import signal
import sys

import pytest

from mgd_lab.bench.interruption import Interrupt


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    # A handler runs between two instructions of the interpreter.
    sum(range(1000))


def test_an_interrupt_that_python_swallows_does_not_use_up_the_only_one():
    class Swallows:
        def __del__(self):
            interrupt()

    hook = sys.unraisablehook
    stop = Interrupt()
    with stop.heeding():
        interrupt()
        assert stop.event.is_set()
        swallowing = Swallows()
        del swallowing
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        interrupt()
    assert sys.unraisablehook is hook


def test_nothing_is_raised_inside_a_shield():
    stop = Interrupt()
    with stop.heeding():
        with stop.shield():
            interrupt()
            interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
