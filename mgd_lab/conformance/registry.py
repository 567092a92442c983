"""All checks, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mgd_lab.chip import Rung
from mgd_lab.conformance.checks import (
    agreement,
    amplitudes,
    block_limit,
    chip_limits,
    cost_function,
    description,
    grouping,
    learning,
    learning_limits,
    limits,
    nodes,
    output_switch,
    pairing,
    registers,
    repetition,
    returned,
    safe_state,
    sample_memory,
    samples_hash,
    signs,
    telemetry,
    timing,
    watchdog,
)
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict


@dataclass(frozen=True)
class Check:
    """A demand on a chip.

    Attributes:
        name: what reports call it.
        about: the demand, in one line.
        run: judges the open chip; called once.
        run_on_rung: judges the open chip on one rung; called for each that measures.
        opens: whether `run` opens the chip by itself.
    """

    name: str
    about: str
    run: Callable[[Session], Verdict] | None = None
    run_on_rung: Callable[[Session, Rung], Verdict] | None = None
    opens: bool = False


CHECKS: tuple[Check, ...] = (
    Check("description", "the description holds together", description.check),
    Check("registers", "parameters that are written can be read back", registers.check),
    Check("limits", "values beyond the limits are refused", limits.check),
    Check("returned", "shape, float64, finite", run_on_rung=returned.check),
    Check("repetition", "the same probe costs the same", run_on_rung=repetition.check),
    Check("grouping", "costs do not depend on block sizes", run_on_rung=grouping.check),
    Check("block_limit", "the largest block is measured", run_on_rung=block_limit.check),
    Check("pairing", "cost k belongs to probe k, under load", run_on_rung=pairing.check),
    Check("agreement", "every rung gives the same costs", run_on_rung=agreement.check),
    Check("signs", "signs and bits mean what is specified", signs.check),
    Check("nodes", "perturbed nodes do what their weights would", nodes.check),
    Check("amplitudes", "the amplitudes set last are applied", amplitudes.check),
    Check("cost_function", "the cost function set is computed", run_on_rung=cost_function.check),
    Check("sample_memory", "the sample memory holds what it declares", sample_memory.check),
    Check("samples_hash", "the hash is of what the memory holds", samples_hash.check),
    Check("learning", "the chip's own training is the host's", learning.check),
    Check("snapshots", "training goes on from a snapshot", learning.check_snapshots),
    Check("learning_limits", "the chip's own training keeps its edges", learning_limits.check),
    Check("chip_limits", "limits that the chip keeps are kept", chip_limits.check),
    Check("output_switch", "nothing is measured while outputs are off", output_switch.check),
    Check("watchdog", "a watchdog does not bite who is alive", watchdog.check),
    Check("telemetry", "every channel has a reading", telemetry.check),
    Check("safe_state", "whoever leaves, leaves a safe chip", safe_state.check, opens=True),
    Check("timing", "how fast it is", run_on_rung=timing.check),
)
