"""What a misspelt word was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or None where none is like it."""
    by_lower_case = {candidate.lower(): candidate for candidate in candidates}
    # A key often lacks a part or has one too many: tau for tau_p, rate for learning_rate.
    matches = difflib.get_close_matches(word.lower(), by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[matches[0]] if matches else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`; did you mean 'candidate'?`, or nothing."""
    found = nearest(word, candidates)
    return f"; did you mean '{found}'?" if found else ""
