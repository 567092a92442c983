"""Cost k belongs to probe k, under load and in any order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mgd_lab.chip import Rung
from mgd_lab.conformance.session import Session
from mgd_lab.conformance.verdict import Verdict, failed, passed

_PROBES = 128
_ROUNDS = 12
_LARGEST_CUT = 48


def check(session: Session, rung: Rung) -> Verdict:
    """Many blocks of random sizes in random order against each probe by itself."""
    most = session.largest_block(rung)
    wanted = session.affordable(rung, _PROBES * (_ROUNDS + 1)) // (_ROUNDS + 1)
    chunk = session.chunk(rung, max(8, wanted))
    count = chunk.starts[-1] if wanted >= _PROBES else max(8, min(wanted, chunk.starts[-1]))
    singles = session.measure(rung, chunk, 0, count, 1)
    rng = np.random.default_rng(session.material.seed)
    blocks = 0
    for _ in range(_ROUNDS):
        cuts = _cuts(rng, count, min(most, _LARGEST_CUT))
        blocks += len(cuts)
        costs = session.measure_blocks(rung, chunk, cuts)
        if len(costs) != count:
            return failed(f"{count} probes in {len(cuts)} blocks gave {len(costs)} costs")
        order = np.concatenate([np.arange(first, end) for first, end in cuts])
        found = np.empty(count)
        found[order] = costs
        comparison = session.compare(found, singles, rung)
        if not comparison.same:
            hint = (
                " (the cost of its neighbour)" if _shifted(found, singles, comparison.first) else ""
            )
            return failed(f"{comparison.text(found, singles)}{hint}", blocks=blocks)
    return passed(
        f"{blocks} blocks in random order agree with single probes {session.noise(rung).text()}",
        blocks=blocks,
        probes=count * _ROUNDS,
    )


def _cuts(rng: np.random.Generator, count: int, most: int) -> list[tuple[int, int]]:
    """The probes 0 … count − 1 in blocks of random sizes, shuffled."""
    edges = [0]
    while edges[-1] < count:
        edges.append(min(count, edges[-1] + int(rng.integers(1, most + 1))))
    blocks = list(pairwise(edges))
    return [blocks[k] for k in rng.permutation(len(blocks))]


def _shifted(found: np.ndarray, expected: np.ndarray, k: int) -> bool:
    neighbours = [j for j in (k - 1, k + 1) if 0 <= j < len(expected)]
    return any(found[k] == expected[j] != expected[k] for j in neighbours)
