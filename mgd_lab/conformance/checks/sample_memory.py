"""The sample memory holds as much as it declares, each sample in its own place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.chip import HoldsSamples, MeasuresCost, MeasuresDense, MeasuresOutputs, MeasuresSigns
from mgd_lab.conformance.material import drawn_samples
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.errors import MgdLabError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_MOST_SAMPLES = 4096
_MOST_BYTES = 2**20
_COMPARED = 64


def check(session: Session) -> Verdict:
    """Filled up to a bounded size, and every kind of place looked at; then one sample too many."""
    chip, description = session.chip, session.description
    if not isinstance(chip, HoldsSamples) or not isinstance(chip, MeasuresDense | MeasuresSigns):
        return not_applicable("the chip has no sample memory and rung that uses it")
    row = 4 * (description.inputs + description.outputs)
    bound = max(len(session.material.inputs), min(_MOST_SAMPLES, _MOST_BYTES // row))
    count = min(description.sample_memory, bound)
    inputs, targets = drawn_samples(description, count + 1, session.material.seed)
    if isinstance(chip, MeasuresCost):
        chip.set_cost(session.material.cost)
    chip.load_samples(inputs[:count], targets[:count])
    rng = np.random.default_rng(session.material.seed)
    # First and last, and the rest anywhere, in an order of their own.
    places = np.unique(np.r_[0, count - 1, rng.integers(0, count, _COMPARED - 2)])
    places = rng.permutation(places).astype(np.uint32)
    found = _costs(session, chip, places)
    expected = _expected(session, chip, inputs[places], targets[places])
    if found.shape != expected.shape or not np.allclose(
        found, expected, rtol=0, atol=_allowed(session)
    ):
        k = int(np.argmax(found != expected))
        return failed(
            f"with {count} samples loaded, sample {int(places[k])} costs {found[k]:.9g} instead of "
            f"{expected[k]:.9g}"
        )
    text = f"{count} samples are held, of {description.sample_memory} declared"
    if count < description.sample_memory:
        return passed(f"{text}; more were not tried", samples=count)
    try:
        chip.load_samples(inputs, targets)
    except MgdLabError:
        return passed(f"{text}; one more is refused", samples=count)
    return failed(f"{count + 1} samples were taken without an error; {count} are declared")


def _expected(session: Session, chip: HoldsSamples, inputs: Float32, targets: Float32) -> Float64:
    """Of samples shown directly where the chip can; otherwise of each alone in the memory."""
    parameters = session.material.sent.astype(np.float64)
    if not session.obstacle("cost") and isinstance(chip, MeasuresCost):
        return np.array(
            [
                chip.costs(parameters, x[None], t[None])[0]
                for x, t in zip(inputs, targets, strict=True)
            ]
        )
    if not session.obstacle("forward") and isinstance(chip, MeasuresOutputs):
        outputs = [chip.outputs(parameters, x[None])[0] for x in inputs]
        return session.material.cost(np.array(outputs), targets)
    costs: list[float] = []
    for x, t in zip(inputs, targets, strict=True):
        chip.load_samples(x[None], t[None])
        costs.append(float(_costs(session, chip, np.zeros(1, np.uint32))[0]))
    return np.array(costs)


def _costs(session: Session, chip: HoldsSamples, places: NDArray[np.uint32]) -> Float64:
    """Without perturbation, one after another."""
    sent, P = session.material.sent, session.description.parameters
    if isinstance(chip, MeasuresDense) and not session.obstacle("dense"):
        zeros = np.zeros((1, P), np.float32)
        costs = [chip.measure_dense(sent, places[k : k + 1], zeros) for k in range(len(places))]
    elif isinstance(chip, MeasuresSigns):
        chip.set_amplitudes(session.material.amplitudes)
        none, bits = np.zeros(1, np.int8), np.zeros((1, -(-P // 8)), np.uint8)
        costs = [
            chip.measure_signs(sent, places[k : k + 1], none, bits) for k in range(len(places))
        ]
    else:
        costs = []
    return np.concatenate(costs)


def _allowed(session: Session) -> float:
    """Of whatever rungs were used: the noisiest known."""
    noises = session.subject.noise.values()
    return max([session.subject.tolerance, *(12 * noise.sigma for noise in noises)])
