"""1/(1 + e^−a) of eight neighbours at a time, for the inside of `compiled_kernels`.

e^x = 2^k e^r with k the whole number nearest to x/ln 2 and |r| ≤ ln 2 / 2, and e^r its Taylor
polynomial of degree 13, which leaves out less than 10⁻¹⁷; in float64 whatever the arrays hold. No
mathematical library is called, so that nothing but these instructions decides about bits.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false, reportCallIssue=false
# Arguments are types first and LLVM values later; annotations would say neither.

from __future__ import annotations

import math
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
"""Numbers that `sigmoids` overwrites."""

_DOUBLE, _WHOLE = ir.DoubleType(), ir.IntType(64)
_DOUBLES, _WHOLES = ir.VectorType(_DOUBLE, LANES), ir.VectorType(_WHOLE, LANES)
# Beyond these e^x is beyond float64, and what is added to 1 or divided by it has long been settled.
_LOWEST, _HIGHEST = -708.0, 708.0
_PER_OCTAVE = 1.0 / math.log(2.0)
_OCTAVE, _OCTAVE_REST = (
    float.fromhex("0x1.62e42fefa39efp-1"),
    float.fromhex("0x1.abc9e3b39803fp-56"),
)
# Added to a number, it leaves the nearest whole one in the last bits.
_ROUNDS = 1.5 * 2.0**52
_DEGREE = 13
_FRACTION_BITS = 52


def _all(value):
    return ir.Constant(_DOUBLES, [value] * LANES)


class _Exponential:
    """Builds the instructions of e^x, x a vector."""

    def __init__(self, builder):
        self._builder = builder
        # llvmlite's own `fma` takes scalars only.
        self._fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_DOUBLES, [_DOUBLES] * 3), f"llvm.fma.v{LANES}f64"
        )

    def of(self, x):
        """e^x, NaN where x is."""
        b = self._builder
        for limit, beyond in ((_HIGHEST, ">"), (_LOWEST, "<")):
            x = b.select(b.fcmp_ordered(beyond, x, _all(limit)), _all(limit), x)
        shifted = self._times_plus(x, _all(_PER_OCTAVE), _all(_ROUNDS))
        octaves = b.fsub(shifted, _all(_ROUNDS))
        rest = self._times_plus(octaves, _all(-_OCTAVE), x)
        rest = self._times_plus(octaves, _all(-_OCTAVE_REST), rest)
        bits = ir.Constant(_WHOLES, [_FRACTION_BITS] * LANES)
        exponent = b.shl(b.bitcast(shifted, _WHOLES), bits)
        power = b.bitcast(b.add(exponent, b.bitcast(_all(1.0), _WHOLES)), _DOUBLES)
        return b.fmul(self._polynomial(rest), power)

    def _times_plus(self, a, b, c):
        return self._builder.call(self._fma, (a, b, c))

    def _polynomial(self, rest):
        """Σ r^k/k!: neighbouring terms first, so that little waits for something else."""
        terms = [_all(1.0 / math.factorial(k)) for k in range(_DEGREE + 1)]
        while len(terms) > 1:
            paired = [
                self._times_plus(rest, terms[k + 1], terms[k]) for k in range(0, len(terms) - 1, 2)
            ]
            terms = paired + terms[2 * len(paired) :]
            if len(terms) > 1:
                rest = self._builder.fmul(rest, rest)
        return terms[0]


def _function(module, kind):
    """Eight sigmoids in place, as a function of its own: inlined, its constants would be fetched
    before whatever loop it stands in, for many more numbers than small networks have.
    """
    name = f"mgd_lab.sigmoids.{kind}"
    if name in module.globals:
        return module.globals[name]
    vector = ir.VectorType(kind, LANES)
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), [vector.as_pointer()]), name)
    made.linkage = "internal"
    made.attributes.add("noinline")
    builder = ir.IRBuilder(made.append_basic_block())
    size = 8 if kind == _DOUBLE else 4
    values = cast(Any, builder.load(made.args[0], typ=vector))
    values.align = size
    wide = values if kind == _DOUBLE else builder.fpext(values, _DOUBLES)
    power = _Exponential(builder).of(builder.fsub(_all(-0.0), wide))
    found = builder.fdiv(_all(1.0), builder.fadd(_all(1.0), power))
    narrow = found if kind == _DOUBLE else builder.fptrunc(found, vector)
    builder.store(narrow, made.args[0], align=size)
    builder.ret_void()
    return made


@intrinsic
def sigmoids(typing_context, memory, at):  # noqa: ARG001 (the form that Numba asks for)
    """memory[at …] becomes 1/(1 + e^−a), `LANES` numbers."""

    def generate(context, builder, signature, arguments):
        kind = context.get_data_type(signature.args[0].dtype)
        vector = ir.VectorType(kind, LANES)
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
        builder.call(_function(builder.module, kind), [place])
        return context.get_dummy_value()

    return types.void(memory, at), generate
