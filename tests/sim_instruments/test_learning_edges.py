"""A chip that learns by itself keeps within its edges just as the host's envelope does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    SNAPSHOT_PROJECTED,
    SNAPSHOT_UPDATE_DUE,
    ChipDescription,
    LearningProgram,
    ParameterGroup,
    ProbeProgram,
)
from mgd_lab.controller import Envelope
from mgd_lab.costs import CostFunction
from mgd_lab.errors import LimitError
from sim_instruments.emulated import EmulatedChip
from sim_instruments.learning_edges import LearningEdges
from sim_instruments.network import MultilayerPerceptron

P = 9
INF = np.full(P, np.inf)
PROGRAM = LearningProgram(
    probes=ProbeProgram(
        kind="random", seed=3, amplitudes=np.full(P, 0.05, np.float32), tau_p=1, tau_x=1,
        tau_theta=8, batch=1, baseline="measured", baseline_refresh_steps=0, order="shuffled",
        samples=4,
    ),
    algorithm="discrete", tau_hp=0.0, tau_theta_filter=0.0, rule="adam", momentum=0.9, beta1=0.9,
    beta2=0.999, epsilon=1e-8, scale_by=1, rate=0.05, rate_kind="constant", rate_steps=1,
    final_fraction=0.0, lowest=-INF, highest=INF, on_update="refuse",
)  # fmt: skip
START = np.linspace(-0.2, 0.2, P)
EDGE = float(np.float32(0.25))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    st.sampled_from(("refuse", "project")),
    arrays(
        np.float64,
        3,
        elements=st.one_of(
            st.floats(-3, 3),
            st.sampled_from((1.45, -1.45, 1.45 + 1e-12, 1.4500001, -1e39, 3.5e38, np.nan, np.inf)),
        ),
    ),
)
def test_it_judges_as_the_envelope_does(on_update, theta):
    groups = (ParameterGroup("w", 2, low=-1.5, high=1.5), ParameterGroup("b", 1))
    description = ChipDescription("c", groups, inputs=1, outputs=1)
    envelope = Envelope(description, np.full(3, 0.05, np.float32), on_update)
    edges = LearningEdges(envelope.lowest, envelope.highest, on_update)
    try:
        expected = envelope.admit(theta)
    except LimitError:
        with pytest.raises(LimitError, match="Nothing was presented"):
            edges.admit(theta)
        return
    found, projected = edges.admit(theta)
    assert found.tobytes() == expected.theta.tobytes()
    assert projected == expected.projected


def learning(**changes):
    chip = EmulatedChip(MultilayerPerceptron((2, 2, 1)), record_extremes=True)
    chip.set_cost(CostFunction())
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    chip.load_samples(inputs, np.array([[0], [1], [1], [0]], np.float32))
    chip.configure_learning(dataclasses.replace(PROGRAM, **changes), START)
    return chip


def within(edge):
    return {"lowest": np.full(P, -edge), "highest": np.full(P, edge)}


def theta_of(snapshot):
    return snapshot[SNAPSHOT_HEAD : SNAPSHOT_HEAD + P]


def test_what_would_leave_is_projected_and_counted():
    free, kept = learning(), learning(**within(EDGE), on_update="project")
    free.advance(400)
    kept.advance(400)
    assert np.abs(theta_of(free.snapshot())).max() > 2 * EDGE
    state = kept.snapshot()
    assert np.abs(theta_of(state).astype(np.float32)).max() <= EDGE
    assert state[SNAPSHOT_PROJECTED] > 10
    assert free.snapshot()[SNAPSHOT_PROJECTED] == 0
    low, high = kept.extremes()
    assert max(-low.min(), high.max()) == EDGE + np.float64(np.float32(0.05))
    again = learning(**within(EDGE), on_update="project")
    again.advance(100)
    halfway = again.snapshot()
    later = learning(**within(EDGE), on_update="project")
    later.restore(halfway)
    later.advance(400)
    assert later.snapshot().tobytes() == state.tobytes()


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("algorithm", ["discrete", "analog"])
def test_what_would_leave_is_refused_and_refused_again(rule, algorithm):
    changes = {"rule": rule, "algorithm": algorithm, "rate": 0.05 if rule == "adam" else 3.0}
    if algorithm == "analog":
        probes = dataclasses.replace(PROGRAM.probes, baseline="none", tau_theta=1, tau_x=50)
        changes |= {"probes": probes, "tau_hp": 3.0, "tau_theta_filter": 5.0}
    chip = learning(**within(EDGE), **changes)
    with pytest.raises(LimitError, match=r"would become .* Nothing was presented"):
        chip.advance(4000)
    refused, extremes = chip.snapshot(), chip.extremes()
    assert refused[SNAPSHOT_UPDATE_DUE] == 1
    assert 0 < refused[0] < 4000
    assert np.abs(theta_of(refused).astype(np.float32)).max() <= EDGE
    assert max(-extremes[0].min(), extremes[1].max()) <= EDGE + np.float64(np.float32(0.05))
    presented = chip.read_telemetry()[0]
    for step in (int(refused[0]), int(refused[0]) + 1, 4000):
        with pytest.raises(LimitError):
            chip.advance(step)
    restored = learning(**within(EDGE), **changes)
    restored.restore(refused)
    with pytest.raises(LimitError):
        restored.advance(4000)
    for each in (chip, restored):
        assert each.snapshot().tobytes() == refused.tobytes()
    assert chip.read_telemetry()[0] == presented
    # With room to move the update that is due is made, and training goes on as if never stopped.
    wider, free = learning(**changes), learning(**changes)
    wider.restore(refused)
    until = int(refused[0]) + 50
    wider.advance(until)
    free.advance(until)
    assert wider.snapshot().tobytes() == free.snapshot().tobytes()


@pytest.mark.parametrize("on_update", ["refuse", "project"])
@pytest.mark.parametrize("value", [0.3, -0.3, np.nan, 1e39])
def test_where_it_starts_and_what_is_restored_must_lie_within(on_update, value):
    chip = learning(**within(EDGE), on_update=on_update)
    state = chip.snapshot()
    outside = START.copy()
    outside[3] = value
    program = dataclasses.replace(PROGRAM, **within(EDGE), on_update=on_update)
    with pytest.raises(LimitError, match="parameter 3"):
        chip.configure_learning(program, outside)
    state[SNAPSHOT_HEAD + 3] = value
    with pytest.raises(LimitError, match="parameter 3"):
        chip.restore(state)


def test_the_chips_own_limits_hold_for_what_it_learns():
    chip = learning()
    chip.write_limits(np.full(P, -EDGE), np.full(P, EDGE))
    with pytest.raises(LimitError, match="chip's own limits"):
        chip.advance(4000)
    low, high = chip.extremes()
    assert max(-low.min(), high.max()) <= EDGE
