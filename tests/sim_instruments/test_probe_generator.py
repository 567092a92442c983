"""The chip's own sequencer makes the probes that the host's schedule lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.algorithm import Schedule
from mgd_lab.chip import ProbeProgram
from mgd_lab.codes import codes, packed_codes, sample_order
from mgd_lab.errors import ChipError
from sim_instruments.probe_generator import ProbeGenerator

SAMPLES = 6


def program(schedule: Schedule, kind: str = "random") -> ProbeProgram:
    return ProbeProgram(
        kind=kind,
        seed=5,
        amplitudes=np.linspace(0.01, 0.09, 9).astype(np.float32),
        tau_p=schedule.tau_p,
        tau_x=schedule.tau_x,
        tau_theta=schedule.tau_theta,
        batch=schedule.batch,
        baseline=schedule.baseline,
        baseline_refresh_steps=schedule.baseline_refresh_steps or 0,
        order="shuffled",
        samples=SAMPLES,
    )


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    baseline = draw(st.sampled_from(["measured", "paired", "none"]))
    refresh = draw(st.none() | st.integers(1, 4)) if baseline == "measured" else None
    tau_p, tau_x, tau_theta = (draw(st.integers(1, 9)) for _ in range(3))
    return Schedule(tau_p, tau_x, tau_theta, draw(st.integers(1, 3)), baseline, refresh)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(schedule=schedules(), first=st.integers(0, 3000), data=st.data())
def test_the_same_probes_as_the_host(schedule, first, data):
    steps = data.draw(st.integers(1, 60))
    plan = schedule.plan(first, steps)
    probes = len(plan.signs)
    start = data.draw(st.integers(0, probes - 1))
    stop = data.draw(st.integers(start + 1, probes))
    step = int(plan.probe_steps[start])
    skip = start - int(plan.probe_starts[step])
    found = ProbeGenerator(program(schedule)).neighbouring(first + step, skip, stop - start)
    draws = plan.first_draw + plan.sample_rows[plan.probe_steps] * schedule.batch
    draws = (draws + plan.probe_slots)[start:stop]
    order = sample_order("shuffled", 5, SAMPLES, 0, int(draws.max()) + 1)
    np.testing.assert_array_equal(found.probes.samples, order[draws])
    np.testing.assert_array_equal(found.probes.signs, plan.signs[start:stop])
    index = plan.first_code + plan.code_rows[plan.probe_steps[start:stop]]
    expected = packed_codes("random", 5, 0, int(index.max()) + 1, 9)[index]
    np.testing.assert_array_equal(found.packed, expected)


@pytest.mark.parametrize("kind", ["sequential", "random", "walsh", "sinusoidal"])
def test_perturbations_carry_amplitude_and_sign(kind):
    schedule = Schedule(tau_p=3, baseline="paired")
    generator = ProbeGenerator(program(schedule, kind))
    probes = generator.neighbouring(7, 1, 20).probes
    amplitudes = generator.program.amplitudes
    unit = codes(kind, 5, 0, 10, 9)[probes.codes]
    expected = (unit * amplitudes) * probes.signs[:, None]
    np.testing.assert_array_equal(generator.perturbations(probes), expected)


@pytest.mark.parametrize(("step", "skip"), [(-1, 0), (2**62, 0), (0, 2**20), (0, -1)])
def test_probes_that_cannot_be(step, skip):
    with pytest.raises(ChipError, match="no probe"):
        ProbeGenerator(program(Schedule())).neighbouring(step, skip, 1)
