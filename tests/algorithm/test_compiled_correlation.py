"""Compiled sums of codes of bits are those of NumPy, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.algorithm import Schedule, add_signed, correlate
from mgd_lab.codes import Kind, packed_codes, unpack_signs
from mgd_lab.controller import chunks
from mgd_lab.controller.chunks import ChunkSource

pytest.importorskip("numba", reason="Numba is not installed (extra fast)")


@settings(deadline=None, max_examples=60)
@given(
    parameters=st.integers(1, 1300),
    steps=st.integers(1, 40),
    tau_p=st.integers(1, 3),
    seed=st.integers(0, 2**64 - 1),
)
def test_the_same_as_in_numpy(parameters: int, steps: int, tau_p: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    amplitudes = draw.random(parameters).astype(np.float32).astype(np.float64)
    modulations = draw.normal(size=steps) * 10.0 ** draw.integers(-9, 9, steps)
    total = draw.normal(size=parameters)
    packed = packed_codes("random", seed, 5, steps, parameters)
    rows = np.arange(steps, dtype=np.int64) // tau_p
    expected = correlate(total, modulations, unpack_signs(packed[rows], parameters) * amplitudes)

    add = add_signed()
    assert add is not None
    add(total, modulations, amplitudes, packed, rows)

    assert total.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("kind", ["random", "walsh"])
@pytest.mark.parametrize("tau_p", [1, 3])
def test_chunks_correlate_alike_with_and_without(
    kind: Kind, tau_p: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source() -> ChunkSource:
        amplitudes = np.linspace(0.01, 0.02, 37).astype(np.float32)
        return ChunkSource(Schedule(tau_p=tau_p, tau_theta=50), kind, 3, amplitudes, "shuffled", 10)

    modulations, total = np.random.default_rng(2).normal(size=50), np.full(37, 0.3)
    compiled = source().chunk(2, 60)
    monkeypatch.setattr(chunks, "add_signed", lambda: None)
    plain = source().chunk(2, 60)

    assert compiled.by_bits is not None
    assert plain.by_bits is None
    for first, count in [(0, 50), (7, 1), (9, 30)]:
        a = compiled.correlate(total, modulations[:count], first)
        b = plain.correlate(total, modulations[:count], first)
        assert a.tobytes() == np.ascontiguousarray(b).tobytes()
    assert (total == 0.3).all()
