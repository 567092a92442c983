"""The learning loop as machine code, for each precision."""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from mgd_lab.experiment.emulation import Precision
from sim_instruments.compiled_memory import Numbers, State, Wiring, Work
from sim_instruments.compiled_stamp import stamp_of

_SOURCES = ("codes", "dots", "kernels", "sigmoids", "steps", "updates", "vectors")


@lru_cache(maxsize=2)
def compiled_loop(precision: Precision) -> Callable[..., int]:
    """`compiled_steps.learner` for numbers of a precision, compiled now or earlier.

    It takes about ten seconds on the first use after an installation; Numba keeps the result beside
    the module, or in the user's cache folder where that cannot be written.
    """
    import numba
    from numba import types

    from sim_instruments import compiled_steps

    number = types.float64 if precision == "float64" else types.float32
    signature = types.int64(
        _tuple_of(Numbers, _NUMBERS),
        _tuple_of(Wiring, {**_WIRING, **_held(number)}),
        _tuple_of(State, {**dict.fromkeys(State._fields, _VECTOR), "counts": ("int64", 1)}),
        _tuple_of(Work, {**dict.fromkeys(Work._fields, _VECTOR), **_WORK, **_formed(number)}),
        types.Array(types.uint32, 1, "C"),
        types.Array(types.float64, 1, "C"),
        types.Array(types.int64, 1, "C"),
        types.boolean,
        types.int64,
        types.int64,
    )
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "boundscheck": False,
        "_nrt": False,
    }
    kernel = compiled_steps.learner(stamp_of(*_SOURCES))
    try:
        made: Any = numba.njit(signature, cache=True, **options)(kernel)
    except RuntimeError:
        # Nowhere to keep it: neither beside the module nor in the user's cache folder.
        made = numba.njit(signature, **options)(kernel)
    return cast(Callable[..., int], made)


_VECTOR = ("float64", 1)
_NUMBERS = dict.fromkeys(Numbers._fields, "int64") | {
    "seed": "uint64",
    **dict.fromkeys(("is_analog", "projects", "is_narrow"), "boolean"),
    **dict.fromkeys(("passed", "keep", "admit", "momentum"), "float64"),
    **dict.fromkeys(("beta1", "beta2", "epsilon"), "float64"),
}
_WIRING = {
    "plan": ("int64", 2),
    "layout": ("int64", 1),
    "inputs": ("float32", 2),
    "targets": ("float32", 2),
}
_WORK = {
    "amplitudes": ("float32", 1),
    "table": ("float32", 1),
    "codes": ("uint8", 2),
    "counted": ("int64", 1),
}


def _held(number: Any) -> dict[str, Any]:
    return {"variation": (number, 2), "memory": (number, 1), "second": (number, 1)}


def _formed(number: Any) -> dict[str, Any]:
    return dict.fromkeys(("plain", "plus", "minus"), (number, 1))


def _tuple_of(kind: Any, members: dict[str, Any]) -> Any:
    """Numba's type of a named tuple of numbers, and of arrays given as (numbers, dimensions)."""
    from numba import types

    def typed(member: Any) -> Any:
        if isinstance(member, tuple):
            of, dimensions = cast(tuple[Any, int], member)
            return types.Array(typed(of), dimensions, "C")
        return getattr(types, member) if isinstance(member, str) else member

    found = [typed(members[name]) for name in kind._fields]
    if len(set(found)) == 1:
        return types.NamedUniTuple(found[0], len(found), kind)
    return types.NamedTuple(found, kind)
