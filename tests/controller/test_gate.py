"""Nothing beyond the limits gets through the gate; what is within does, unchanged."""

import math
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mgd_lab.chip.capabilities
import mgd_lab.chip.recovery
from mgd_lab.chip import (
    SNAPSHOT_HEAD,
    Chip,
    ChipDescription,
    LearningProgram,
    ParameterGroup,
    ProbeProgram,
    snapshot_length,
)
from mgd_lab.controller import Envelope, GatedChip, gated
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ConfigurationError, LimitError

P = 3
AMPLITUDE = 0.25
DESCRIPTION = ChipDescription(
    name="bench chip",
    groups=(
        ParameterGroup("heaters", 2, unit="mA", low=-1.0, high=1.0),
        ParameterGroup("free", 1),
    ),
    inputs=2,
    outputs=1,
    input_low=-5.0,
    input_high=0.1,
    input_unit="V",
    sample_memory=8,
)


def _protocols() -> list[type]:
    modules = (mgd_lab.chip.capabilities, mgd_lab.chip.recovery)
    classes = [value for module in modules for value in vars(module).values()]
    found = {value for value in classes if getattr(value, "_is_protocol", False)}
    return sorted(found - {Chip, Protocol}, key=lambda protocol: protocol.__name__)


def _methods(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


PROTOCOLS = _protocols()
METHODS = sorted(name for protocol in PROTOCOLS for name in _methods(protocol))


def recorder(
    protocols: Any = PROTOCOLS, description: ChipDescription = DESCRIPTION
) -> tuple[Any, list[tuple[str, tuple[Any, ...]]]]:
    """A chip with these capabilities that keeps what reaches it, and what it kept."""
    calls: list[tuple[str, tuple[Any, ...]]] = []

    def method(name: str) -> Any:
        def record(self: Any, *arguments: Any) -> Any:
            calls.append((name, arguments))
            return name

        return record

    members: dict[str, Any] = {
        "description": property(lambda self: description),
        "identity": property(lambda self: {"model": "recorder"}),
        "__enter__": lambda self: self,
        "__exit__": lambda self, *ending: None,
    }
    for protocol in protocols:
        members |= {name: method(name) for name in _methods(protocol)}
    return type("Recorder", (), members)(), calls


def _envelope(description: ChipDescription = DESCRIPTION, amplitude: float = AMPLITUDE) -> Envelope:
    return Envelope(description, np.full(description.parameters, amplitude, np.float32), "refuse")


def _f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def _program(amplitude: float = AMPLITUDE) -> ProbeProgram:
    amplitudes = np.full(P, amplitude, np.float32)
    return ProbeProgram("random", 1, amplitudes, 1, 1, 1, 1, "measured", 0, "shuffled", 4)


def _learning(lowest: Any, highest: Any, amplitude: float = AMPLITUDE) -> LearningProgram:
    return LearningProgram(
        probes=_program(amplitude),
        algorithm="discrete",
        tau_hp=0.0,
        tau_theta_filter=0.0,
        rule="sgd",
        momentum=0.9,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        scale_by=1,
        rate=0.1,
        rate_kind="constant",
        rate_steps=1,
        final_fraction=0.0,
        lowest=np.array(lowest),
        highest=np.array(highest),
        on_update="refuse",
    )


def _snapshot(theta: Any) -> np.ndarray:
    snapshot = np.zeros(snapshot_length(P))
    snapshot[SNAPSHOT_HEAD : SNAPSHOT_HEAD + P] = theta
    return snapshot


ONE_INPUT = np.zeros((1, 2), np.float32)
TARGET = np.zeros((1, 1), np.float32)
PLACE = np.zeros(1, np.uint32)
BITS = np.zeros((1, 1), np.uint8)
READS = np.ones(1, np.bool_)
INSIDE = np.zeros(P)
EDGES = ([-0.75, -0.75, -np.inf], [0.75, 0.75, np.inf])
BAD_INPUTS = (_f32(0.2, 0.0), _f32(0.0, -5.5), _f32(0.0, math.nan), _f32(-math.inf, 0.0))
BAD_REGISTERS = [
    np.array(values)
    for values in (
        [1.0000001, 0, 0],
        [0, -1.5, 0],
        [math.nan, 0, 0],
        [0, 0, math.nan],
        [0, 0, math.inf],
        [-math.inf, 0, 0],
    )
]
# What leaves the limits only with its amplitude of 0.25.
BAD_THETAS = [_f32(0.76, 0, 0), _f32(0, -0.7500001, 0), _f32(math.nan, 0, 0), _f32(0, 0, math.inf)]


def _told(name: str) -> Any:
    def tell(gate: Any) -> None:
        getattr(gate, name)(_f32(*[AMPLITUDE] * P) if name == "set_amplitudes" else _program())

    return tell


def _nothing(gate: Any) -> None:
    pass


def _learns(gate: Any) -> None:
    gate.configure_learning(_learning(*EDGES), INSIDE)


# Method → what must be said before, and arguments none of which may get through.
JUDGED: dict[str, tuple[Any, list[tuple[Any, ...]]]] = {
    "write_parameters": (_nothing, [(bad,) for bad in BAD_REGISTERS]),
    "outputs": (
        _nothing,
        [(bad, ONE_INPUT) for bad in BAD_REGISTERS] + [(INSIDE, bad[None]) for bad in BAD_INPUTS],
    ),
    "costs": (
        _nothing,
        [(bad, ONE_INPUT, TARGET) for bad in BAD_REGISTERS]
        + [(INSIDE, bad[None], TARGET) for bad in BAD_INPUTS],
    ),
    "load_samples": (
        _nothing,
        [(np.array([[0, 0], bad], np.float32), np.zeros((2, 1), np.float32)) for bad in BAD_INPUTS],
    ),
    "measure_dense": (
        _nothing,
        [(bad.astype(np.float32), PLACE, np.zeros((1, P), np.float32)) for bad in BAD_REGISTERS[1:]]
        + [
            (_f32(0.5, 0, 0), np.zeros(2, np.uint32), np.array([[0, 0, 0], move], np.float32))
            for move in ([0.51, 0, 0], [-1.51, 0, 0], [0, 0, math.nan], [0, 0, math.inf])
        ],
    ),
    "measure_nodes": (
        _nothing,
        [
            (bad.astype(np.float32), PLACE, np.zeros((1, 5), np.float32), READS)
            for bad in BAD_REGISTERS[1:]
        ]
        + [
            (_f32(0, 0, 0), PLACE, np.array([[0, bad]], np.float32), READS)
            for bad in (math.nan, math.inf)
        ]
        + [(_f32(0, 0, 0), PLACE, np.zeros(5, np.float32), READS)]
        + [(_f32(0, 0, 0), PLACE, np.zeros((1, 5)), READS)],
    ),
    "set_amplitudes": (
        _nothing,
        [(_f32(1.01, 0.1, 0.1),), (_f32(0.1, 0.1, 0),), (_f32(0.1, -0.1, 0.1),)]
        + [(_f32(0.1, 0.1, bad),) for bad in (math.nan, math.inf)],
    ),
    "measure_signs": (
        _told("set_amplitudes"),
        [(bad, PLACE, np.ones(1, np.int8), BITS) for bad in BAD_THETAS]
        + [(_f32(0, 0, 0), PLACE, np.array([k], np.int8), BITS) for k in (2, -2, 127, -128)],
    ),
    "configure_probes": (_nothing, [(_program(amplitude),) for amplitude in (1.5, math.nan, 0.0)]),
    "measure_generated": (
        _told("configure_probes"),
        [(bad, 0, 0, 1) for bad in BAD_THETAS],
    ),
    "configure_learning": (
        _nothing,
        [(_learning(*EDGES), bad.astype(np.float64)) for bad in BAD_THETAS]
        + [(_learning(*EDGES, amplitude=amplitude), INSIDE) for amplitude in (1.5, math.nan, 0.3)]
        + [
            (_learning([-0.75, low, -np.inf], EDGES[1]), INSIDE)
            for low in (-0.76, math.nan, -math.inf)
        ]
        + [(_learning(EDGES[0], [0.75, 0.75, math.nan]), INSIDE)]
        + [(_learning(EDGES[0], [0.7500001, 0.75, 1]), INSIDE)],
    ),
    "restore": (_learns, [(_snapshot(bad),) for bad in BAD_THETAS]),
    "write_limits": (
        _nothing,
        [
            (np.array([low, -1, -np.inf]), np.array([1, high, np.inf]))
            for low, high in ((-1.1, 1), (-1, 1.1), (math.nan, 1), (-1, math.nan), (-math.inf, 1))
        ],
    ),
}
# Method → arguments, of those that bring no value to a parameter or an input.
WITHOUT_VALUES: dict[str, tuple[Any, ...]] = {
    "advance": (1,),
    "node_layers": (),
    "outputs_are_on": (),
    "read_limits": (),
    "read_parameters": (),
    "read_telemetry": (),
    "samples_hash": (),
    "set_cost": (CostFunction(),),
    "snapshot": (),
    "switch_outputs": (True,),
    "take_recoveries": (),
    "takes_any_cost": (),
    "watch_host": (1.0,),
}


def test_every_method_of_every_capability_is_judged_or_brings_no_values():
    assert sorted([*JUDGED, *WITHOUT_VALUES]) == METHODS


@pytest.mark.parametrize("name", JUDGED)
def test_values_beyond_the_limits_never_pass(name):
    before, attempts = JUDGED[name]
    assert attempts
    for arguments in attempts:
        chip, calls = recorder()
        gate = gated(chip, _envelope())
        before(gate)
        del calls[:]
        with pytest.raises(LimitError) as caught:
            getattr(gate, name)(*arguments)
        assert calls == []
        assert caught.value.exit_code == 4
        assert "'bench chip'" in str(caught.value)
        assert "Nothing was sent" in str(caught.value)


@pytest.mark.parametrize("name", WITHOUT_VALUES)
def test_what_brings_no_values_is_forwarded(name):
    chip, calls = recorder()
    gate = gated(chip, _envelope())
    _learns(gate)
    del calls[:]
    answer = getattr(gate, name)(*WITHOUT_VALUES[name])
    assert calls == [(name, WITHOUT_VALUES[name])]
    assert answer in (name, None)


def test_a_method_that_is_not_of_a_capability_does_not_pass():
    chip, _ = recorder()
    type(chip).burn = lambda self: None
    assert not hasattr(gated(chip, _envelope()), "burn")


@settings(max_examples=60)
@given(st.sets(st.sampled_from(PROTOCOLS)))
def test_a_gated_chip_has_the_capabilities_of_the_chip(protocols):
    chip, _ = recorder(protocols)
    gate = gated(chip, _envelope())
    for protocol in (Chip, *PROTOCOLS):
        assert isinstance(gate, protocol) == isinstance(chip, protocol), protocol
    assert gate.description is chip.description
    assert gate.identity == chip.identity
    with gate as entered:
        assert entered is gate


def test_the_gate_gives_its_chip_to_nobody():
    chip, _ = recorder()
    gate = gated(chip, _envelope())
    public = [getattr(gate, name) for name in dir(gate) if not name.startswith("_")]
    assert all(value is not chip for value in public)
    assert all(getattr(value, "__self__", gate) is not chip for value in public)


def test_one_gate_is_enough():
    chip, _ = recorder()
    envelope = _envelope()
    gate = gated(chip, envelope)
    assert gated(gate, envelope) is gate
    assert type(gated(chip, envelope)) is type(gate)
    other = gated(gate, _envelope(amplitude=0.5))
    assert isinstance(other, GatedChip)
    assert other is not gate


def test_the_envelope_of_another_chip():
    chip, _ = recorder()
    groups = (ParameterGroup("heaters", 3, low=-9.0, high=9.0),)
    wider = ChipDescription(name="bench chip", groups=groups, inputs=2, outputs=1)
    with pytest.raises(ConfigurationError, match="not described as the chip"):
        gated(chip, _envelope(wider))


# Limits, and values at and around them: what is of interest, and anything.
limits = st.floats(-1e6, 1e6) | st.sampled_from([-1.0, -0.1, 0.0, 0.1, 1.0, 3.0e38])
offsets = st.sampled_from([-2, -1, 0, 1, 2])
strange = st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.0, 1e-45, -1e-45, 5e-324, 3e38])
places = st.floats(-0.1, 1.1)


@st.composite
def bounded_chips(draw: Any) -> ChipDescription:
    groups = []
    for k in range(draw(st.integers(1, 3))):
        low, high = sorted((draw(limits), draw(limits)))
        assume(low < high)
        kind = draw(st.sampled_from(["both", "low", "high", "none"]))
        low = low if kind in ("both", "low") else -math.inf
        high = high if kind in ("both", "high") else math.inf
        groups.append(ParameterGroup(f"g{k}", 1, low=low, high=high, safe=min(max(0.0, low), high)))
    low, high = sorted((draw(limits), draw(limits)))
    assume(low < high)
    return ChipDescription(
        name="any chip",
        groups=tuple(groups),
        inputs=2,
        outputs=1,
        input_low=draw(st.sampled_from([low, -math.inf])),
        input_high=draw(st.sampled_from([high, math.inf])),
        sample_memory=8,
    )


def _value(draw: Any, low: float, high: float, kind: type) -> Any:
    """Inside, or at an edge and a few numbers beside it, or strange."""
    low, high = max(low, -1e7), min(high, 1e7)
    how = draw(st.sampled_from(["inside", "inside", "low", "high", "strange"]))
    with np.errstate(over="ignore"):
        if how == "strange":
            return kind(draw(strange))
        if how == "inside":
            return kind(low + (high - low) * draw(places))
        value = kind(low if how == "low" else high)
        steps = draw(offsets)
        for _ in range(abs(steps)):
            value = np.nextafter(value, kind(math.copysign(math.inf, steps)))
    return value


def _values(draw: Any, chip: ChipDescription, kind: type, margin: float = 0.0) -> np.ndarray:
    edges = zip(chip.low + margin, chip.high - margin, strict=True)
    return np.array([_value(draw, low, high, kind) for low, high in edges], kind)


def _within(values: Any, low: Any, high: Any) -> bool:
    """In exact numbers."""
    edges = [np.broadcast_to(edge, len(values)) for edge in (low, high)]
    return all(
        math.isfinite(value)
        and (math.isinf(least) or Fraction(float(value)) >= Fraction(float(least)))
        and (math.isinf(most) or Fraction(float(value)) <= Fraction(float(most)))
        for value, least, most in zip(values, *edges, strict=True)
    )


@settings(max_examples=150)
@given(st.data())
def test_registers_and_inputs_pass_if_and_only_if_they_are_within(data):
    description = data.draw(bounded_chips())
    chip, calls = recorder(description=description)
    try:
        gate: Any = gated(chip, _envelope(description, 1e-30))
    except LimitError:
        assume(False)
    values = _values(data.draw, description, np.float64)
    low, high = description.input_low, description.input_high
    inputs = np.array([[_value(data.draw, low, high, np.float32) for _ in range(2)]], np.float32)
    within = _within(values, description.low, description.high)
    presentable = _within(inputs[0], low, high)
    for call, arguments, allowed in (
        ("write_parameters", (values,), within),
        ("outputs", (values, inputs), within and presentable),
        ("costs", (values, inputs, TARGET), within and presentable),
        ("load_samples", (inputs, TARGET), presentable),
    ):
        _passes_exactly_if(gate, calls, call, arguments, allowed)


@settings(max_examples=150)
@given(st.data(), st.floats(2.0**-40, 1.0, width=32))
def test_theta_and_perturbations_pass_if_and_only_if_their_sums_are_within(data, amplitude):
    description = data.draw(bounded_chips())
    chip, calls = recorder(description=description)
    try:
        envelope = _envelope(description, amplitude)
    except LimitError:
        assume(False)
    gate: Any = gated(chip, envelope)
    count = description.parameters
    theta = _values(data.draw, description, np.float32, margin=amplitude)
    wide = theta.astype(np.float64)
    moves = np.array(
        [[data.draw(st.sampled_from([-1, 0, 1])) * amplitude for _ in range(count)]] * 2, np.float32
    )
    moves[1] = -moves[0]
    # As the chip adds them.
    sums = np.concatenate([wide + row.astype(np.float64) for row in (*moves, np.zeros(count))])
    low, high = np.tile(description.low, 3), np.tile(description.high, 3)
    dense = (theta, np.zeros(2, np.uint32), moves)
    _passes_exactly_if(gate, calls, "measure_dense", dense, _within(sums, low, high))

    gate.set_amplitudes(np.full(count, amplitude, np.float32))
    assert calls.pop()[0] == "set_amplitudes"
    signs = (theta, PLACE, np.ones(1, np.int8), BITS)
    try:
        gate.measure_signs(*signs)
    except LimitError:
        assert calls == []
        if np.isfinite(theta).all():
            exact = [Fraction(float(x)) + s * Fraction(amplitude) for s in (1, -1) for x in theta]
            edges = zip([*description.low] * 2, [*description.high] * 2, exact, strict=True)
            assert not all(low <= value <= high for low, high, value in edges)
    else:
        assert calls.pop() == ("measure_signs", signs)
        reached = np.concatenate([wide + amplitude, wide - amplitude])
        assert _within(reached, np.tile(description.low, 2), np.tile(description.high, 2))


@settings(max_examples=150)
@given(st.data(), st.floats(2.0**-40, 1.0, width=32))
def test_admitted_theta_passes_with_perturbations_that_stay_within(data, amplitude):
    description = data.draw(bounded_chips())
    chip, calls = recorder(description=description)
    try:
        envelope = _envelope(description, amplitude)
        admitted = envelope.admit(_values(data.draw, description, np.float64, margin=amplitude))
    except LimitError:
        assume(False)
    factors = st.sampled_from([-1.0, -0.5, 0.0, 1.0, 1.0000001, -1.1, 40.0, math.nan, math.inf])
    moves = np.array([[data.draw(factors) for _ in admitted.sent]] * 2, np.float32) * amplitude
    moves[1, 0] = amplitude
    moves = moves.astype(np.float32)
    sums = np.concatenate([admitted.sent.astype(np.float64) + row for row in moves])
    within = _within(sums, np.tile(description.low, 2), np.tile(description.high, 2))
    arguments = (admitted.sent, np.zeros(2, np.uint32), moves)
    _passes_exactly_if(gated(chip, envelope), calls, "measure_dense", arguments, within)


@pytest.mark.parametrize("rows", [2, 3000])
def test_large_blocks_are_judged_alike(rows):
    chip, calls = recorder()
    envelope = _envelope()
    gate: Any = gated(chip, envelope)
    sent = envelope.admit(np.array([0.5, -0.5, 0.0])).sent
    moves = np.full((rows, P), AMPLITUDE, np.float32)
    gate.measure_dense(sent, np.zeros(rows, np.uint32), moves)
    assert calls.pop()[0] == "measure_dense"
    moves[rows - 1, 1] = -0.51
    with pytest.raises(LimitError, match=r"heaters\[1\]"):
        gate.measure_dense(sent, np.zeros(rows, np.uint32), moves)
    assert calls == []


def _passes_exactly_if(
    gate: Any, calls: list[Any], name: str, arguments: tuple[Any, ...], allowed: bool
) -> None:
    before = [argument.tobytes() for argument in arguments]
    if not allowed:
        with pytest.raises(LimitError):
            getattr(gate, name)(*arguments)
        assert calls == []
        return
    assert getattr(gate, name)(*arguments) in (name, None)
    called, forwarded = calls.pop()
    assert called == name
    # The very objects, and not a bit of them changed.
    assert all(one is other for one, other in zip(forwarded, arguments, strict=True))
    assert [argument.tobytes() for argument in forwarded] == before


class Liar(np.ndarray):
    """Says of every comparison that it holds."""

    def __ge__(self, other: Any) -> Any:
        return np.ones(self.shape, bool)

    __le__ = __gt__ = __ge__

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        return np.ones(self.shape, bool)


@pytest.mark.parametrize(
    "theta",
    [
        np.full(P, 9.0, np.float32).view(Liar),
        np.ma.masked_array(_f32(9, 9, 9), mask=True),
        np.zeros(P),
        np.zeros(P, ">f4"),
        np.zeros(P, np.int32),
        np.zeros((1, P), np.float32),
        np.zeros(P + 1, np.float32),
        np.zeros((), np.float32),
        [0.0] * P,
        None,
    ],
)
def test_what_would_be_converted_on_the_way_does_not_pass(theta):
    chip, calls = recorder()
    gate: Any = gated(chip, _envelope())
    gate.set_amplitudes(_f32(*[AMPLITUDE] * P))
    gate.configure_probes(_program())
    del calls[:]
    for attempt in (
        lambda: gate.measure_signs(theta, PLACE, np.ones(1, np.int8), BITS),
        lambda: gate.measure_generated(theta, 0, 0, 1),
        lambda: gate.measure_dense(theta, PLACE, np.zeros((1, P), np.float32)),
        lambda: gate.measure_dense(_f32(0, 0, 0), PLACE, [[9.0] * P]),
    ):
        with pytest.raises(LimitError, match="to be judged as it is sent"):
            attempt()
    assert calls == []


def test_what_was_admitted_cannot_be_changed_afterwards():
    sent = _envelope().admit(np.zeros(P)).sent
    with pytest.raises(ValueError, match="read-only"):
        sent[0] = 9.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        sent.flags.writeable = True
    with pytest.raises(ValueError, match="read-only"):
        sent.view(np.uint32)[0] = 0x7FC00000


def test_amplitudes_told_later_count():
    chip, calls = recorder()
    envelope = _envelope()
    gate: Any = gated(chip, envelope)
    sent = envelope.admit(np.array([0.75, 0.0, 0.0])).sent
    gate.configure_probes(_program())
    gate.measure_generated(sent, 0, 0, 1)
    gate.configure_probes(_program(0.5))
    # Even if the small ones were told again, another register of the chip may hold the large.
    gate.set_amplitudes(_f32(*[AMPLITUDE] * P))
    del calls[:]
    with pytest.raises(LimitError, match=r"heaters\[0\].*bring it to 1.25 mA.*\[-1, 1\] mA"):
        gate.measure_generated(sent, 0, 0, 1)
    with pytest.raises(LimitError):
        gate.measure_signs(sent, PLACE, np.ones(1, np.int8), BITS)
    assert calls == []


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (lambda gate: gate.measure_generated(_f32(0, 0, 0), 0, 0, 1), "configure_probes"),
        (
            lambda gate: gate.measure_signs(_f32(0, 0, 0), PLACE, np.ones(1, np.int8), BITS),
            "set_amplitudes",
        ),
        (lambda gate: gate.advance(1), "configure_learning"),
        (lambda gate: gate.restore(_snapshot([0, 0, 0])), "configure_learning"),
    ],
)
def test_a_chip_whose_amplitudes_nobody_knows_is_not_measured(call, needed):
    chip, calls = recorder()
    with pytest.raises(LimitError, match=f"before {needed}"):
        call(gated(chip, _envelope()))
    assert calls == []


def test_a_refusal_names_all_that_one_needs():
    chip, _ = recorder()
    gate: Any = gated(chip, _envelope())
    with pytest.raises(LimitError) as caught:
        gate.write_parameters(np.array([0.5, 1.25, 7.0]))
    for part in ("'bench chip', parameter heaters[1]", "1.25 mA", "[-1, 1] mA", "chip file"):
        assert part in str(caught.value)
    with pytest.raises(LimitError) as caught:
        gate.outputs(INSIDE, _f32(0.0, 0.1)[None])
    # 0.1 in float32 is more than the limit 0.1.
    for part in ("'bench chip', input 1", "sample 0", "0.1 V", "[-5, 0.1] V", "limits.inputs"):
        assert part in str(caught.value)
