import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.errors import ConfigurationError
from mgd_lab.records import Checkpoint, Counters, StepBlock
from mgd_lab.run_store import Costs, RunWriter, create_run, open_run

END = Checkpoint(Counters(), 0.0, 0.0, {})


@st.composite
def streams(draw):
    """Blocks of any length with any gaps, and the same as plain arrays."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch = draw(st.sampled_from([0, 1, 3]))
    largest = draw(st.sampled_from([1, 255, 256, 70_000, 2**33]))
    blocks, first = [], draw(st.sampled_from([0, 5, 2**40]))
    for count, gap in draw(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 0, 7])))):
        shape = (count, batch) if batch else count
        samples = rng.integers(0, largest, shape).astype(np.uint64)
        blocks.append(StepBlock(first, samples, rng.random(count), rng.random(count), 1.0, 2.0))
        first += count + gap
    steps = [np.arange(b.first_step, b.first_step + len(b.costs)) for b in blocks]
    model = Costs(
        np.concatenate([np.empty(0, np.int64), *steps]),
        np.concatenate(
            [np.empty((0, batch) if blocks and batch else 0, np.uint64)]
            + [b.samples for b in blocks]
        ),
        np.concatenate([np.empty(0), *(b.costs for b in blocks)]),
        np.concatenate([np.empty(0), *(b.baselines for b in blocks)]),
    )
    return blocks, model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("runs")
    return lambda: create_run(base, "r", files={}, resolved={}, environment={}, simulated=False)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), stream=streams())
def test_any_range_equals_the_plain_arrays(folders, data, stream):
    blocks, model = stream
    folder = folders()
    with RunWriter(folder) as writer:
        for block in blocks:
            writer.write(block)
        writer.write(END)
    with open_run(folder.path) as run:
        assert_same(run.costs(), model)
        first = int(model.step[0]) if blocks else 0
        edge = st.integers(max(first - 9, 0), first + 60)
        for _ in range(6):
            start, stop, stride = data.draw(
                st.tuples(edge, st.none() | edge, st.integers(1, 50) | st.just(2**70))
            )
            last = int(model.step[-1]) + 1 if blocks else 0
            keep = (model.step >= start) & ((model.step - start) % min(stride, 2**60) == 0)
            keep &= model.step < (last if stop is None else stop)
            assert_same(run.costs(start, stop, stride), Costs(*(a[keep] for a in model)))
        size = data.draw(st.integers(1, 100))
        pieces = list(run.cost_chunks(size))
        assert all(0 < len(piece.step) <= size for piece in pieces)
        assert list(itertools.chain(*(p.cost for p in pieces))) == model.cost.tolist()


def assert_same(found: Costs, expected: Costs) -> None:
    for name, a, b in zip(Costs._fields, found, expected, strict=True):
        assert a.shape == b.shape, name
        assert np.array_equal(a, b), name


def test_samples_take_the_narrowest_unsigned_dtype(make_run):
    folder = make_run()
    with RunWriter(folder) as writer:
        writer.write(StepBlock(0, np.array([255], np.uint64), np.ones(1), np.ones(1), 0.0, 0.0))
        writer.write(END)
        writer.write(StepBlock(1, np.array([256], np.uint64), np.ones(1), np.ones(1), 0.0, 0.0))
        writer.write(END)
    with open_run(folder.path) as run:
        assert run.costs().sample.dtype == np.uint16
        assert run.costs(0, 1).sample.dtype == np.uint8


def test_paired_runs_read_both_signs(make_run):
    folder = make_run(baseline="paired")
    with RunWriter(folder) as writer:
        writer.write(StepBlock(0, np.zeros(1, np.uint8), np.array([2.0]), np.array([1.0]), 0, 0))
        writer.write(END)
    with open_run(folder.path) as run:
        costs = run.costs()
    assert (costs.cost_plus[0], costs.cost_minus[0]) == (2.0, 1.0)


@pytest.mark.parametrize("bad", [{"start": -1}, {"stop": -1}, {"stride": 0}])
def test_a_range_that_makes_no_sense_is_refused(make_run, bad):
    with open_run(make_run().path) as run, pytest.raises(ConfigurationError, match="step 0"):
        run.costs(**bad)


def test_a_strided_read_of_a_long_run_is_cheap(make_run):
    import tracemalloc

    folder = make_run()
    block = np.zeros(10_000)
    with RunWriter(folder) as writer:
        for first in range(0, 1_000_000, 10_000):
            writer.write(StepBlock(first, np.zeros(10_000, np.uint8), block, block, 0.0, 0.0))
        writer.write(END)
    with open_run(folder.path) as run:
        tracemalloc.start()
        costs = run.costs(3, None, 1000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(costs.step) == 1000
    assert peak < 1_000_000  # the log holds 17 MB
