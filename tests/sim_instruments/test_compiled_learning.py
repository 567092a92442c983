"""The compiled loop is the loop in Python, bit for bit: state, presentations, register, errors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgd_lab.chip import SNAPSHOT_HEAD, SNAPSHOT_UPDATE_DUE, LearningProgram, ProbeProgram
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, LimitError, MgdLabError
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments import emulated, learners
from sim_instruments.chain import Chain
from sim_instruments.emulated import EmulatedChip
from sim_instruments.emulated_network import varied
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.on_chip_learning import OnChipLearning

pytest.importorskip("numba", reason="the compiled loop needs the extra fast")

from sim_instruments import compiled_learning
from sim_instruments.compiled_engine import CompiledEngine
from sim_instruments.compiled_learning import CompiledLearning

KINDS = ("sequential", "random", "walsh", "sinusoidal")
SAMPLES = 6
SMALL = MultilayerPerceptron((2, 2, 1))
CONVOLVING = NetworkSettings.model_validate(
    {
        "kind": "chain",
        "input": (1, 5, 6),
        "layers": [
            {"kind": "conv", "out_channels": 2},
            {"kind": "relu"},
            {"kind": "max_pool"},
            {"kind": "dense", "outputs": 2},
            {"kind": "tanh"},
        ],
    }
)
NETWORKS = {
    "2-2-1": SMALL,
    "7-19-3": MultilayerPerceptron((7, 19, 3), "tanh", "softmax"),
    "relu": MultilayerPerceptron((3, 9, 1, 2), "relu", "linear"),
    "convolving": Chain(CONVOLVING.shape, CONVOLVING.chain),
    "varied": varied(SMALL, 0.3, 5),
    "varied chain": varied(Chain(CONVOLVING.shape, CONVOLVING.chain), 0.3, 5),
}


def program_of(parameters, **changes):
    """The paper's simplest, with changes to whatever has such a name."""
    probes = {
        "kind": "random", "seed": 3, "amplitudes": np.full(parameters, 0.05, np.float32),
        "tau_p": 1, "tau_x": 1, "tau_theta": 1, "batch": 1, "baseline": "measured",
        "baseline_refresh_steps": 0, "order": "shuffled", "samples": SAMPLES,
    }  # fmt: skip
    rest = {
        "algorithm": "discrete", "tau_hp": 0.0, "tau_theta_filter": 0.0, "rule": "sgd",
        "momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "scale_by": 1,
        "rate": 0.05, "rate_kind": "constant", "rate_steps": 50, "final_fraction": 0.25,
        "lowest": np.full(parameters, -np.inf), "highest": np.full(parameters, np.inf),
        "on_update": "refuse",
    }  # fmt: skip
    for name, value in changes.items():
        (probes if name in probes else rest)[name] = value
    return LearningProgram(probes=ProbeProgram(**probes), **rest)


def chip_of(network, program, *, in_python=False, precision="float64", **keys):
    """A chip that is told to learn, by the loop in Python or by the compiled one."""
    chip = EmulatedChip(network, engine=CompiledEngine(network, precision), **keys)
    chip.set_cost(CostFunction())
    random = np.random.default_rng(7)
    inputs = random.random((SAMPLES, network.inputs)).astype(np.float32)
    chip.load_samples(inputs, random.random((SAMPLES, network.outputs)).astype(np.float32))
    theta = np.linspace(-0.3, 0.31, network.parameters)
    with pytest.MonkeyPatch.context() as patch:
        if in_python:
            patch.setattr(emulated, "learner_of", lambda p, t, m, *_: OnChipLearning(p, t, m))
        chip.configure_learning(program, theta)
    assert isinstance(chip._learning, CompiledLearning) is not in_python
    return chip


def state_of(chip):
    """All that another could tell from it."""
    return (
        chip.snapshot().tobytes(),
        chip.read_telemetry()[0],
        chip.read_parameters().tobytes(),
    )


def asked(chip, steps):
    """What is raised on the way there, in words."""
    try:
        for step in steps:
            chip.advance(step)
    except MgdLabError as error:
        return type(error), str(error)
    return None


def same(network, program, steps=(0, 3, 7, 18, 60), **keys):
    """Both loops, and their chips, after the same requests."""
    python = chip_of(network, program, in_python=True, **keys)
    compiled = chip_of(network, program, **keys)
    for step in steps:
        assert asked(compiled, [step]) == asked(python, [step])
        assert state_of(compiled) == state_of(python)
    return compiled


ALGORITHMS = {
    "measured": {"baseline": "measured", "baseline_refresh_steps": 2},
    "held": {"baseline": "measured"},
    "paired": {"baseline": "paired"},
    "analog": {
        "algorithm": "analog", "baseline": "none", "tau_theta": 1, "tau_x": 9, "tau_hp": 4.0,
        "tau_theta_filter": 7.0,
    },
}  # fmt: skip
TIMES = {
    "one by one": {},
    "apart": {"tau_p": 3, "tau_x": 5, "tau_theta": 7, "batch": 3, "scale_by": 7},
}
RULES = ("sgd", "momentum", "adam")
RATES = ("constant", "cosine", "linear", "exponential")
ORDERS = ("shuffled", "random", "cyclic")
NAMES = ("2-2-1", "7-19-3", "relu", "convolving")


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("k", "kind"), list(enumerate(KINDS)))
def test_the_loops_agree(k, kind, algorithm, times):
    a = k + tuple(ALGORITHMS).index(algorithm) + 2 * tuple(TIMES).index(times)
    network = NETWORKS[NAMES[a % 4]]
    changes = {
        "kind": kind, **TIMES[times], **ALGORITHMS[algorithm], "rule": RULES[a % 3],
        "rate_kind": RATES[(a + k) % 4], "order": ORDERS[(a + k) % 3], "rate": 0.02,
    }  # fmt: skip
    chip = same(network, program_of(network.parameters, **changes))
    theta = chip.snapshot()[SNAPSHOT_HEAD:][: network.parameters]
    assert np.abs(theta - np.linspace(-0.3, 0.31, len(theta))).max() > 1e-4


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_loops_agree_in_either_precision(name, precision):
    network = NETWORKS[name]
    same(network, program_of(network.parameters, tau_theta=4, batch=2), precision=precision)


programs = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "seed": st.integers(0, 2**64 - 1),
        "tau_p": st.integers(1, 4),
        "tau_x": st.integers(1, 9),
        "tau_theta": st.integers(1, 11),
        "batch": st.integers(1, 4),
        "order": st.sampled_from(ORDERS),
        "samples": st.integers(1, SAMPLES),
        "rule": st.sampled_from(RULES),
        "rate": st.sampled_from((0.0, 0.01, 0.3, 5.0)),
        "rate_kind": st.sampled_from(RATES),
        "final_fraction": st.floats(0.01, 1.0),
        "rate_steps": st.integers(1, 40),
        "on_update": st.sampled_from(("refuse", "project")),
        "momentum": st.floats(0, 0.99),
        "epsilon": st.sampled_from((1e-8, 0.1)),
        "scale_by": st.integers(1, 9),
    }
)
edges = st.sampled_from((np.inf, 0.5, float(np.float32(0.32))))
stops = st.lists(st.integers(0, 70), min_size=1, max_size=5).map(sorted)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    programs,
    st.sampled_from(tuple(ALGORITHMS)),
    st.integers(0, 3),
    edges,
    st.sampled_from((np.inf, 0.37, 0.6)),
    stops,
    st.booleans(),
)
def test_any_program_goes_the_same_way(changes, algorithm, refresh, edge, limit, steps, exchanged):
    chosen = {**changes, **ALGORITHMS[algorithm]}
    if "baseline_refresh_steps" in chosen:
        chosen["baseline_refresh_steps"] = refresh
    amplitudes = np.linspace(0.01, 0.05, SMALL.parameters).astype(np.float32)
    lowest, highest = (np.full(SMALL.parameters, sign * edge) for sign in (-1, 1))
    program = program_of(
        SMALL.parameters, **chosen, amplitudes=amplitudes, lowest=lowest, highest=highest
    )
    python, compiled = (chip_of(SMALL, program, in_python=p) for p in (True, False))
    for chip in (python, compiled):
        chip.write_limits(*(np.full(SMALL.parameters, sign * limit) for sign in (-1, 1)))
    for step in steps:
        assert asked(compiled, [step]) == asked(python, [step])
        assert state_of(compiled) == state_of(python)
        if exchanged:
            kept = python.snapshot()
            python.restore(compiled.snapshot())
            compiled.restore(kept)


@pytest.mark.parametrize("stop", [0, 3, 7, 18, 39])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_snapshot_of_one_goes_on_in_the_other(algorithm, stop):
    changes = {**TIMES["apart"], **ALGORITHMS[algorithm], "rule": "adam"}
    program = program_of(SMALL.parameters, **changes)
    whole = chip_of(SMALL, program)
    whole.advance(60)
    for first_in_python in (True, False):
        first = chip_of(SMALL, program, in_python=first_in_python)
        first.advance(stop)
        second = chip_of(SMALL, program, in_python=not first_in_python)
        second.restore(first.snapshot())
        second.advance(60)
        assert second.snapshot().tobytes() == whole.snapshot().tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_late_steps(kind):
    """Indices beyond 2³², words beyond the first, seeds of 64 bits."""
    network = MultilayerPerceptron((40, 7, 3))
    changes = {"kind": kind, "seed": 2**64 - 5, "tau_p": 3, "order": "cyclic"}
    program = program_of(network.parameters, **changes)
    late = chip_of(network, program, in_python=True)
    state = late.snapshot()
    state[0] = 3.0 * 2**33 + 1
    ends = []
    for in_python in (True, False):
        chip = chip_of(network, program, in_python=in_python)
        chip.restore(state)
        chip.advance(int(state[0]) + 40)
        ends.append(chip.snapshot().tobytes())
    assert ends[0] == ends[1]


def test_short_calls_change_nothing(monkeypatch):
    program = program_of(SMALL.parameters, **TIMES["apart"], rate_kind="cosine")
    whole = chip_of(SMALL, program)
    whole.advance(1200)
    monkeypatch.setattr(compiled_learning, "_STEPS_A_CALL", 3)
    pieces = chip_of(SMALL, program)
    pieces.advance(1200)
    assert state_of(pieces) == state_of(whole)


def test_a_cost_that_is_no_number_stops_learning_where_python_stops():
    program = program_of(SMALL.parameters, order="cyclic", tau_theta=5, tau_x=3)
    for steps, last in (((40,), 10), ((11, 14, 40), 11), ((4, 12, 40), 12)):
        python, compiled = (chip_of(SMALL, program, in_python=p) for p in (True, False))
        for chip in (python, compiled):
            inputs = chip._inputs.copy()
            inputs[4, 0] = np.nan
            chip.load_samples(inputs, chip._targets)
        found, expected = asked(compiled, steps), asked(python, steps)
        assert found == expected
        assert found[0] is ChipError
        assert f"a cost is no number at step {last};" in found[1]
        assert state_of(compiled) == state_of(python)


def test_a_long_window_is_undone_as_far_as_in_python():
    program = program_of(SMALL.parameters, order="cyclic", tau_theta=2000, tau_x=150)
    python, compiled = (chip_of(SMALL, program, in_python=p) for p in (True, False))
    for chip in (python, compiled):
        inputs = chip._inputs.copy()
        inputs[4, 1] = np.nan
        chip.load_samples(inputs, chip._targets)
    found, expected = asked(compiled, (20, 1990)), asked(python, (20, 1990))
    assert found == expected
    assert found == (ChipError, "a cost is no number at step 532; learning stopped there")
    assert compiled.snapshot()[0] == 532
    assert state_of(compiled) == state_of(python)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("algorithm", ["measured", "analog"])
def test_what_would_leave_is_refused_with_the_same_state(rule, algorithm):
    edge = float(np.float32(0.33))
    program = program_of(
        SMALL.parameters, **ALGORITHMS[algorithm], rule=rule,
        rate=0.05 if rule == "adam" else 3.0, lowest=np.full(9, -edge), highest=np.full(9, edge),
    )  # fmt: skip
    chip = same(SMALL, program, (4000, 4000))
    assert chip.snapshot()[SNAPSHOT_UPDATE_DUE] == 1
    with pytest.raises(LimitError, match="Nothing was presented"):
        chip.advance(4001)


def test_outputs_that_are_off_present_nothing():
    program = program_of(SMALL.parameters)
    chip = chip_of(SMALL, program)
    chip.advance(5)
    before = state_of(chip)
    chip.switch_outputs(on=False)
    with pytest.raises(ChipError, match="outputs are off"):
        chip.advance(6)
    assert state_of(chip) == before
    chip.switch_outputs(on=True)
    chip.advance(10)
    assert chip.read_telemetry()[0] == 20


FALLBACKS = {
    "extremes": ({"record_extremes": True}, lambda _: None),
    "latency": ({"latency_seconds": 1e-9}, lambda _: None),
    "cross-entropy": ({}, lambda chip: chip.set_cost(CostFunction("cross_entropy"))),
    "amplitudes": ({}, lambda chip: chip.set_amplitudes(np.full(91, 0.01, np.float32))),
    "samples": ({}, lambda chip: chip.load_samples(chip._inputs[:4], chip._targets[:4])),
}


@pytest.mark.parametrize("what", FALLBACKS)
def test_what_it_does_not_do_is_done_in_python(what, monkeypatch):
    network = MultilayerPerceptron((7, 8, 3), "tanh", "softmax")
    keys, change = FALLBACKS[what]
    program = program_of(network.parameters)
    called = []
    monkeypatch.setattr(CompiledLearning, "_call", lambda *_: called.append(1))
    chips = [chip_of(network, program, in_python=p, **keys) for p in (True, False)]
    for chip in chips:
        change(chip)
    assert asked(chips[1], [20]) == asked(chips[0], [20])
    assert not called
    assert state_of(chips[0]) == state_of(chips[1])


def test_large_networks_learn_on_all_cores():
    pool = {"kind": "max_pool", "size": 4}
    layers = [{"kind": "conv", "out_channels": 4}, pool, {"kind": "dense", "outputs": 2}]
    keys = {"kind": "chain", "input": (1, 40, 40), "layers": layers}
    chosen = NetworkSettings.model_validate(keys)
    network = Chain(chosen.shape, chosen.chain)
    program = program_of(network.parameters, tau_theta=1000)
    engine = CompiledEngine(network)
    found = learners.learner_of(program, np.zeros(network.parameters), list, engine, lambda: None)
    assert type(found) is OnChipLearning
    short = dataclasses.replace(program, probes=dataclasses.replace(program.probes, tau_theta=1))
    found = learners.learner_of(short, np.zeros(network.parameters), list, engine, lambda: None)
    assert type(found) is CompiledLearning
