"""docs/codes.md: its vectors and its reference are those of the package."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.codes import (
    codes,
    normal_rows,
    normals,
    packed_codes,
    permutation,
    philox4x32,
    sample_order,
    sine_table,
    uniforms,
    words,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "codes.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
SEEDS = st.integers(0, 2**64 - 1)


def _hexadecimal(values: np.ndarray) -> str:
    return " ".join(f"{int(value):08x}" for value in values)


def _decimal(values: np.ndarray) -> str:
    return " ".join(str(int(value)) for value in values)


def _philox(given: dict[str, str], answer: str) -> str:
    key, counter = ([int(w, 16) for w in given[name].split(",")] for name in ("key", "counter"))
    return _hexadecimal(philox4x32(key[0] | key[1] << 32, np.array(counter, np.uint64)))


def _words(given: dict[str, str], answer: str) -> str:
    seed, stream, index, count = (int(given[k], 0) for k in ("seed", "stream", "index", "words"))
    return _hexadecimal(words(seed, stream, index, 1, count)[0])


def _coded(given: dict[str, str]) -> tuple[Any, int, int, int, int]:
    return (given["kind"], int(given["seed"]), int(given["index"]), 1, int(given["parameters"]))


def _codes(given: dict[str, str], answer: str) -> str:
    row = codes(*_coded(given))[0]
    if given["kind"] == "sequential":
        return _decimal(row)
    return "".join("+" if value == 1 else "-" for value in row)


def _packed(given: dict[str, str], answer: str) -> str:
    return packed_codes(*_coded(given))[0].tobytes().hex()


def _sines(given: dict[str, str], answer: str) -> str:
    return _hexadecimal(sine_table(int(given["length"])).view(np.uint32))


def _sinusoidal(given: dict[str, str], answer: str) -> str:
    row = codes("sinusoidal", 0, int(given["index"]), 1, int(given["parameters"]))[0]
    return _hexadecimal(row.view(np.uint32))


def _drawn(given: dict[str, str], answer: str) -> tuple[int, int, int, int]:
    return (int(given["seed"]), int(given["stream"]), int(given["index"]), len(answer.split()))


def _uniforms(given: dict[str, str], answer: str) -> str:
    return " ".join(float(value).hex() for value in uniforms(*_drawn(given, answer)))


def _normals(given: dict[str, str], answer: str) -> str:
    return " ".join(f"{value:.12f}" for value in normals(*_drawn(given, answer)))


def _apart(given: dict[str, str], answer: str) -> str:
    seed, stream, index, count = _drawn(given, answer)
    [row] = normal_rows(seed, stream, index, 1, count, int(given["word"]))
    return " ".join(f"{value:.12f}" for value in row)


def _permutation(given: dict[str, str], answer: str) -> str:
    return _decimal(permutation(*_drawn(given, answer)))


def _order(given: dict[str, str], answer: str) -> str:
    seed, samples, first = (int(given[name]) for name in ("seed", "samples", "first"))
    return _decimal(sample_order(given["order"], seed, samples, first, len(answer.split())))


READERS: dict[str, Callable[[dict[str, str], str], str]] = {
    "philox": _philox,
    "words": _words,
    "codes": _codes,
    "packed": _packed,
    "sines": _sines,
    "sinusoidal": _sinusoidal,
    "uniforms": _uniforms,
    "normals": _normals,
    "apart": _apart,
    "permutation": _permutation,
    "order": _order,
}
VECTORS = [
    pytest.param(kind, line, id=f"{kind}{number}")
    for kind, text in BLOCKS
    if kind != "python"
    for number, line in enumerate(text.splitlines())
]


@pytest.mark.parametrize(("kind", "line"), VECTORS)
def test_vector(kind: str, line: str) -> None:
    arguments, answer = line.split(" -> ")
    given = dict(word.split("=") for word in arguments.split())
    assert READERS[kind](given, answer) == answer


def test_every_kind_of_vector_is_there() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) == {*READERS, "python"}
    assert kinds.count("python") == 1
    assert len(VECTORS) > 30


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """The names that the document's reference defines."""
    names: dict[str, Any] = {}
    exec(dict(BLOCKS)["python"], names)
    return names


@settings(deadline=None, derandomize=True)
@given(seed=SEEDS, index=SEEDS, parameters=st.integers(1, 300))
def test_reference_makes_the_same_codes(reference, seed, index, parameters) -> None:
    expected = [reference["random_code"](seed, index, i) for i in range(parameters)]
    assert codes("random", seed, index, 1, parameters)[0].tolist() == expected
    expected = [reference["walsh_code"](index, i, parameters) for i in range(parameters)]
    assert codes("walsh", seed, index, 1, parameters)[0].tolist() == expected


@settings(deadline=None, derandomize=True)
@given(seed=SEEDS, stream=st.integers(0, 7), index=SEEDS, n=st.integers(1, 40), draw=st.integers(0))
def test_reference_makes_the_same_draws(reference, seed, stream, index, n, draw) -> None:
    draw %= 2**63
    expected = [reference["uniform"](seed, stream, index, j) for j in range(n)]
    assert uniforms(seed, stream, index, n).tolist() == expected
    assert permutation(seed, stream, index, n).tolist() == reference["permutation"](
        seed, stream, index, n
    )
    for order, name in (("shuffled", "shuffled"), ("random", "drawn")):
        assert sample_order(order, seed, n, draw, 1).tolist() == [reference[name](seed, n, draw)]
