"""Records that were written only because the run ended there, and a run that goes on."""

import numpy as np
import pytest

from mgd_lab.records import Checkpoint, Counters, Evaluation, ParameterSnapshot, StepBlock
from mgd_lab.run_store import RunWriter, open_run


def steps(first, count):
    return StepBlock(first, np.zeros(count, np.uint8), np.ones(count), np.ones(count), 0.0, 0.0)


def snapshot(step, closing=False):
    return ParameterSnapshot(step, step, np.full(3, float(step)), closing)


def evaluation(step, closing=False, split="train"):
    return Evaluation(step, step, split, 4, 1.0 / (step + 1), None, 0.0, closing)


def end(step, final=""):
    return Checkpoint(Counters(step), 0.0, 0.0, {}, final)


def session(folder, *records):
    with RunWriter(folder) as writer:
        for record in records:
            writer.write(record)


def seen(folder):
    """Steps of all snapshots and evaluations, which every way of reading agrees on."""
    with open_run(folder.path) as run:
        parameters, evaluations = run.parameters(), run.evaluations()
        assert run.snapshot_count() == len(parameters.step)
        chunks = [step for chunk in run.parameter_chunks() for step in chunk.step.tolist()]
        assert chunks == parameters.step.tolist()
        assert run.to_xarray().sizes["snapshot"] == len(chunks)
        assert parameters.theta.mean(axis=1).tolist() == parameters.step.tolist()
    return parameters.step.tolist(), evaluations.step.tolist()


def test_the_last_end_is_shown(make_run):
    folder = make_run()
    session(
        folder, snapshot(0), steps(0, 7), evaluation(7, True), snapshot(7, True), end(7, "failed")
    )
    assert seen(folder) == ([0, 7], [7])


def test_a_run_that_went_on_does_without_its_earlier_end(make_run):
    whole, parts = make_run(), make_run()
    session(
        whole, snapshot(0), steps(0, 10), snapshot(10), evaluation(10), steps(10, 5),
        evaluation(15, True), snapshot(15, True), end(15, "finished"),
    )  # fmt: skip
    session(
        parts, snapshot(0), steps(0, 7), evaluation(7, True), snapshot(7, True),
        end(7, "interrupted"),
    )  # fmt: skip
    session(parts, steps(7, 3), snapshot(10), evaluation(10), end(10), steps(10, 2),
            snapshot(12, True), end(12, "interrupted"))  # fmt: skip
    session(parts, steps(12, 3), evaluation(15, True), snapshot(15, True), end(15, "finished"))
    assert seen(parts) == seen(whole) == ([0, 10, 15], [10, 15])
    with open_run(whole.path) as one, open_run(parts.path) as other:
        for name in ("costs", "parameters", "evaluations"):
            for a, b in zip(getattr(one, name)(), getattr(other, name)(), strict=True):
                assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def test_steps_that_are_not_logged_count_too(make_run):
    folder = make_run()
    session(folder, snapshot(7, True), evaluation(7, True), end(7, "interrupted"))
    session(folder, end(8))
    assert seen(folder) == ([], [])


def test_a_regular_record_at_the_step_of_the_end_takes_its_place(make_run):
    folder = make_run()
    session(folder, snapshot(7, True), evaluation(7, True), end(7, "finished"))
    session(folder, snapshot(7), evaluation(7), end(7))
    assert seen(folder) == ([7], [7])
    session(folder, end(20))
    assert seen(folder) == ([7], [7])


def test_a_run_that_ended_twice_at_one_step_has_one_end(make_run):
    folder = make_run()
    session(folder, snapshot(7, True), evaluation(7, True), end(7, "interrupted"))
    session(folder, end(7))  # resumed, and nothing measured yet
    assert seen(folder) == ([7], [7])
    session(folder, snapshot(7, True), evaluation(7, True), end(7, "interrupted"))
    assert seen(folder) == ([7], [7])


def test_ends_of_several_splits_stay(make_run):
    folder = make_run()
    session(folder, snapshot(7), evaluation(7, True), evaluation(7, True, "test"), end(7))
    assert seen(folder) == ([7], [7, 7])


@pytest.mark.parametrize("closing", [False, True])
def test_neighbours_of_a_closing_snapshot_are_not_marked(make_run, closing):
    folder = make_run()
    session(folder, snapshot(1), snapshot(2, closing), snapshot(3), end(3))
    assert seen(folder)[0] == ([1, 3] if closing else [1, 2, 3])
