"""The chip computes the cost function that the host has set."""

from __future__ import annotations

from mgd_lab.chip import MeasuresCost, Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, not_applicable, passed
from mgd_lab.costs import CostFunction
from mgd_lab.errors import MgdLabError

_PROBES = 16


def check(session: Session, rung: Rung) -> Verdict:
    """Mean squared error, cross-entropy, and the first again."""
    chip = session.chip
    if rung == "forward":
        return not_applicable("the host computes the cost itself")
    if not isinstance(chip, MeasuresCost):
        return not_applicable("the chip lacks the capability MeasuresCost")
    probabilities = session.description.output_kind == "probabilities"
    mse = CostFunction("mse", probabilities=probabilities)
    functions = [mse]
    if session.description.outputs > 1:
        functions.append(CostFunction("cross_entropy", 0.1, probabilities))
        functions.append(CostFunction("cross_entropy", 0.0, probabilities))
    functions.append(mse)
    refused: list[str] = []
    measured: dict[CostFunction, list[float]] = {}
    for function in functions:
        try:
            chip.set_cost(function)
        except MgdLabError:
            refused.append(_name(function))
            continue
        verdict = _compared(session, rung, function, measured)
        if verdict:
            return failed(f"{_name(function)}: {verdict}")
    if len(set(map(tuple, measured.values()))) < len(measured):
        return failed("different cost functions give the same costs")
    known = ", ".join(_name(function) for function in measured)
    return passed(f"{known}" + (f"; it refuses {', '.join(refused)}" if refused else ""))


def _compared(
    session: Session,
    rung: Rung,
    function: CostFunction,
    measured: dict[CostFunction, list[float]],
) -> str:
    """Against rung forward where there is one, and against itself where it comes again."""
    source = session.material.source(session.schedule("dense", 1))
    chunk = source.chunk(0, _PROBES // 2)
    session.prepare(rung, source, function)
    found = session.measure(rung, chunk, 0, _PROBES, 1, function)
    if function in measured and session.noise(rung).silent and found.tolist() != measured[function]:
        return "set a second time, it gives other costs"
    measured[function] = found.tolist()
    if session.obstacle("forward"):
        return ""
    expected = session.measure("forward", chunk, 0, _PROBES, 1, function)
    comparison = session.compare(found, expected, rung, "forward")
    return "" if comparison.same else f"{comparison.text(found, expected)} from the outputs"


def _name(function: CostFunction) -> str:
    smoothing = f" with smoothing {function.label_smoothing:g}" if function.label_smoothing else ""
    return f"{function.kind}{smoothing}"
