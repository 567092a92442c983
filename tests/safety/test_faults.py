"""Whatever a driver raises, at whichever use of the chip: safe, or said not to be known."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext

import numpy as np
import pytest

from mgd_lab.bench.arming import armed
from mgd_lab.bench.interruption import Interrupt
from mgd_lab.errors import (
    NOT_VERIFIED,
    ChipError,
    InstrumentError,
    LimitError,
    LinkError,
    RunStoreError,
)

ERRORS = (
    LinkError,
    InstrumentError,
    LimitError,
    KeyboardInterrupt,
    MemoryError,
    SystemExit,
    RuntimeError,
    GeneratorExit,
)
USES = 18


def once(at, error):
    def fault(name, number):
        if number == at:
            raise error(f"injected into {name}")

    return fault


def always(rung, error):
    def fault(name, number):
        if name == rung:
            raise error(f"injected into {name}")

    return fault


@pytest.mark.parametrize("error", ERRORS)
def test_one_fault_at_every_use(instrument, arming, behind_gate, error):
    uses = 0
    for at in range(1, USES + 1):
        chip = instrument()
        chip.fault = once(at, error)
        try:
            with armed(behind_gate(chip), arming(watchdog_seconds=1.0)):
                pass
        except BaseException as raised:  # noqa: BLE001 (what is injected is of every kind)
            told = str(raised) + "".join(getattr(raised, "__notes__", ()))
        else:
            # A fault on the way down is passed over where the end could be verified.
            told = "injected"
        assert "injected" in told
        assert chip.is_safe() or NOT_VERIFIED in told
        assert not chip.on
        uses = max(uses, len(chip.told))
    assert uses <= USES


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("rung", ["write_parameters", "switch_outputs", "read_parameters"])
def test_a_rung_that_always_fails(instrument, arming, behind_gate, error, rung):
    chip = instrument()
    with (
        pytest.raises(ChipError, match=NOT_VERIFIED) as caught,
        armed(behind_gate(chip), arming(watchdog_seconds=1.0)),
    ):
        chip.fault = always(rung, error)
    told = str(caught.value)
    assert "injected" in told
    assert "its watchdog, left on" in told
    assert chip.watched_seconds == 1.0
    assert chip.on == (rung == "switch_outputs")
    if rung == "read_parameters":
        assert not chip.on
        np.testing.assert_array_equal(chip.register, chip.description.safe)


@pytest.mark.parametrize("error", [InstrumentError, RuntimeError, KeyboardInterrupt])
def test_what_fails_once_is_tried_again(instrument, arming, behind_gate, log, error):
    """Also where the end is read back: a chip that is safe is known to be."""
    chip = instrument()
    ended = pytest.raises(KeyboardInterrupt) if error is KeyboardInterrupt else nullcontext()
    with ended, armed(behind_gate(chip), arming()):
        chip.told.clear()
        chip.fault = once(4, error)
    assert chip.told[2:5] == ["switch_outputs", "read_parameters", "read_parameters"]
    assert log.kinds[-1] == "made_safe"


def test_a_dead_link_is_not_waited_for_at_every_rung(instrument, arming, behind_gate):
    chip = instrument()
    with (  # noqa: PT012 (it ends with what is raised)
        pytest.raises(LinkError, match="no reply") as caught,
        armed(behind_gate(chip), arming()),
    ):

        def dead(name, number):
            raise LinkError("no reply")

        chip.fault = dead
        chip.told.clear()
        raise LinkError("no reply in training")
    assert len(chip.told) == 2
    (note,) = caught.value.__notes__
    assert "parameters: the link is down" in note
    assert "outputs: the link is down" in note


def test_what_matters_more_decides_the_exit_code(instrument, arming, behind_gate):
    """Not at its safe values is exit 3, whatever ended the training."""
    for error in (LimitError, KeyboardInterrupt, RuntimeError):
        chip = instrument()
        with (  # noqa: PT012 (it ends with what is raised)
            pytest.raises(ChipError, match=NOT_VERIFIED) as caught,
            armed(behind_gate(chip), arming()),
        ):
            chip.fault = always("read_parameters", InstrumentError)
            raise error("in training")
        assert isinstance(caught.value.__context__, error)


def test_an_error_of_the_training_stays_itself(instrument, arming, behind_gate, log):
    chip = instrument()
    with pytest.raises(LimitError, match="beyond"), armed(behind_gate(chip), arming()):
        raise LimitError("beyond")
    assert chip.is_safe()
    assert log.events[-1][2]["reason"] == "beyond"


def test_a_log_that_cannot_be_written(instrument, arming, behind_gate):
    chip = instrument()

    def full(kind, message, details):
        if kind == "made_safe":
            raise RunStoreError("disk full")

    with (
        pytest.raises(RunStoreError, match="disk full"),
        armed(behind_gate(chip), arming(tell=full)),
    ):
        pass
    assert chip.is_safe()
    with pytest.raises(LimitError) as caught, armed(behind_gate(chip), arming(tell=full)):
        raise LimitError("beyond")
    assert "disk full" in caught.value.__notes__[0]
    assert chip.is_safe()


def test_a_spent_budget_does_not_keep_a_chip_from_its_safe_values(instrument, arming, behind_gate):
    chip = instrument(writes_budget=2)
    with armed(behind_gate(chip), arming()):
        pass
    assert chip.is_safe()


def test_signals_do_not_interrupt_the_way_down(instrument, arming, behind_gate):
    """Ctrl-C at every use of the chip after training, many times: all are noted."""
    chip, interrupt = instrument(), Interrupt()

    def insistent(name, number):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)

    with interrupt.heeding(), armed(behind_gate(chip), arming(interrupt=interrupt)):
        chip.fault = insistent
    assert chip.is_safe()
    assert interrupt.event.is_set()


def test_a_second_ctrl_c_ends_what_may_be_ended(instrument, arming, behind_gate):
    chip, interrupt = instrument(), Interrupt()
    chip.fault = lambda name, number: time.sleep(0)
    reached = False
    with (  # noqa: PT012 (it ends with what is raised)
        pytest.raises(KeyboardInterrupt),
        interrupt.heeding(),
        armed(behind_gate(chip), arming(interrupt=interrupt)),
    ):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        reached = True
        with interrupt.at_once():
            signal.raise_signal(signal.SIGINT)
            pytest.fail("not ended")
    assert reached
    assert chip.is_safe()
