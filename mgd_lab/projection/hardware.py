"""How long hardware takes for what a training asks of it, and the named classes of it.

McCaughan et al., APL Machine Learning 1, 026118 (2023), project training times from one time a
step, τ_p. A step there is one perturbation with its cost; all else is taken to be hidden in it.
"""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "McCaughan et al., APL Machine Learning 1, 026118 (2023)"


@dataclass(frozen=True)
class Hardware:
    """Seconds for each thing that is done.

    Attributes:
        read_seconds: for a probe: the outputs settle, and the cost is read.
        input_seconds: for another sample at the inputs.
        perturbation_seconds: for another perturbation, its removal included.
        write_seconds: for an update of all parameters.
        source: where the numbers are from.
    """

    name: str
    read_seconds: float
    input_seconds: float = 0.0
    perturbation_seconds: float = 0.0
    write_seconds: float = 0.0
    source: str = ""


NAMED = (
    Hardware("chip in the loop, 1 ms a probe", 1e-3, source=PAPER),
    Hardware("compute-in-memory, 10 ns a probe", 10e-9, source=PAPER),
    Hardware("superconducting or photonic, 200 ps a probe", 200e-12, source=PAPER),
)
