"""What libraries give for numbers, switches and errors."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pytest

from drivers.instruments.adapter_values import complaints, number, same, truth


@pytest.mark.parametrize(
    ("given", "index", "expected"),
    [(1, None, 1.0), ("+1.5E-3", None, 0.0015), (np.array([[2.0]]), None, 2.0), ([3, 4], 1, 4.0)],
)
def test_numbers(given, index, expected):
    assert number(given, index) == expected


@pytest.mark.parametrize(
    ("given", "index", "told"),
    [
        ("dark", None, "'dark' is no number"),
        ([1, 2], None, "2 numbers; say which by the key index"),
        ([1, 2], 2, "no number 2"),
        (None, 0, "no number"),
    ],
)
def test_no_numbers(given, index, told):
    if given is None:
        assert np.isnan(number(given, index))
        return
    with pytest.raises(ValueError, match=told):
        number(given, index)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, True),
        (0, False),
        (1.0, True),
        ("on", True),
        ("OFF", False),
        ("0", False),
        ("1\n", True),
    ],
)
def test_truths(given, expected):
    assert truth(given) is expected


@pytest.mark.parametrize("given", ["perhaps", float("nan"), [1, 0]])
def test_no_truths(given):
    with pytest.raises(ValueError, match="neither on nor off"):
        truth(given)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        (0.1, 0.1000004, True),
        (0.1, 0.10001, False),
        (0, 1e-9, False),
        (True, 1.0, True),
        ("ON", True, True),
        ("volt", '"VOLT"', True),
        ("volt", "curr", False),
        ("1", 1, True),
    ],
)
def test_sameness(wanted, found, expected):
    assert same(wanted, found) is expected


class Fault(Enum):
    OVERHEATED = 3


@pytest.mark.parametrize(
    ("given", "errors", "more"),
    [
        (None, [], False),
        ([], [], False),
        ("", [], False),
        ('+0,"No error"', [], False),
        ('-113,"Undefined header"', ['-113,"Undefined header"'], True),
        ([0.0, '"No error"'], [], False),
        ((-222, "Data out of range"), ["-222,Data out of range"], True),
        ([[-113, "a"], [-222, "b"]], ["[-113, 'a']", "[-222, 'b']"], False),
        (Fault.OVERHEATED, ["Fault.OVERHEATED"], False),
    ],
)
def test_complaints(given, errors, more):
    assert complaints(given) == (errors, more)
