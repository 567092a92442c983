"""W x + b for the inside of `compiled_kernels`, with sums in an order that the length decides.

Whole vectors go into four of sums, then into one, whose lanes are added by halves; what is left is
added one by one. The order is written out, so that no compiler, processor or caller changes a bit.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false, reportCallIssue=false
# Arguments are types first and LLVM values later; annotations would say neither.

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_BYTES = 64
_TOGETHER = 4
_NUMBER = ir.IntType(64)


class _Sums:
    """Builds the instructions for the two arrays at hand."""

    def __init__(self, context, builder, kind, first, second):
        self._builder = builder
        self._kind = kind
        self._size = context.get_abi_sizeof(kind)
        self.lanes = _BYTES // self._size
        self._vector = ir.VectorType(kind, self.lanes)
        self._places = (first, second)
        # llvmlite's own `fma` takes scalars only.
        self._fma = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(self._vector, [self._vector] * 3),
            f"llvm.fma.v{self.lanes}f{8 * self._size}",
        )

    def in_vectors(self, length):
        """Of all whole vectors."""
        builder = self._builder
        held = [cgutils.alloca_once(builder, self._vector) for _ in range(_TOGETHER)]
        for place in held:
            builder.store(ir.Constant(self._vector, None), place)
        step = _NUMBER(_TOGETHER * self.lanes)
        blocks = builder.udiv(length, step)
        with cgutils.for_range(builder, blocks) as block:
            at = builder.mul(block.index, step)
            for k, place in enumerate(held):
                self._add(place, builder.add(at, _NUMBER(k * self.lanes)))
        a, b, c, d = (builder.load(place) for place in held)
        total = builder.fadd(builder.fadd(a, b), builder.fadd(c, d))
        builder.store(total, held[0])
        done = builder.mul(blocks, step)
        rest = builder.udiv(builder.sub(length, done), _NUMBER(self.lanes))
        with cgutils.for_range(builder, rest) as single:
            offset = builder.mul(single.index, _NUMBER(self.lanes))
            self._add(held[0], builder.add(done, offset))
        return self._of_lanes(builder.load(held[0]))

    def one_by_one(self, total, first, length):
        """Added to `total` in memory."""
        builder = self._builder
        with cgutils.for_range(builder, builder.sub(length, first)) as one:
            at = builder.add(first, one.index)
            a, b = (builder.load(builder.gep(p, [at]), typ=self._kind) for p in self._places)
            builder.store(builder.fadd(builder.load(total), builder.fmul(a, b)), total)

    def _add(self, place, at):
        builder = self._builder
        a, b = (self._loaded(p, at) for p in self._places)
        builder.store(builder.call(self._fma, (a, b, builder.load(place))), place)

    def _loaded(self, numbers, at):
        builder = self._builder
        place = builder.bitcast(builder.gep(numbers, [at]), self._vector.as_pointer())
        vector = builder.load(place, typ=self._vector)
        vector.align = self._size
        return vector

    def _of_lanes(self, vector):
        builder, lanes = self._builder, self.lanes
        while lanes > 1:
            lanes //= 2
            halves = []
            for first in (0, lanes):
                chosen = ir.Constant(
                    ir.VectorType(ir.IntType(32), lanes), [first + k for k in range(lanes)]
                )
                halves.append(builder.shuffle_vector(vector, vector, chosen))
            vector = builder.fadd(*halves)
        return builder.extract_element(vector, ir.IntType(32)(0))


def _function(context, module, kind):
    """W x + b as a function of its own, that takes places instead of arrays.

    Arguments: inputs, sums, weights, biases; length of a row, and how many rows.
    """
    name = f"mgd_lab.densely.{kind}"
    if name in module.globals:
        return module.globals[name]
    numbers = kind.as_pointer()
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), [numbers] * 4 + [_NUMBER] * 2), name)
    made.linkage = "internal"
    made.attributes.add("noinline")
    builder = ir.IRBuilder(made.append_basic_block())
    inputs, target, weights, biases, length, rows = made.args
    total, first = cgutils.alloca_once(builder, kind), cgutils.alloca_once(builder, _NUMBER)
    with cgutils.for_range(builder, rows) as row:
        begin = builder.gep(weights, [builder.mul(row.index, length)])
        sums = _Sums(context, builder, kind, begin, inputs)
        lanes = _NUMBER(sums.lanes)
        builder.store(ir.Constant(kind, 0.0), total)
        builder.store(_NUMBER(0), first)
        with builder.if_then(builder.icmp_unsigned(">=", length, lanes)):
            builder.store(sums.in_vectors(length), total)
            builder.store(builder.mul(builder.udiv(length, lanes), lanes), first)
        sums.one_by_one(total, builder.load(first), length)
        bias = builder.load(builder.gep(biases, [row.index]), typ=kind)
        found = builder.fadd(builder.load(total), bias)
        builder.store(found, builder.gep(target, [row.index]))
    builder.ret_void()
    return made


@intrinsic
def densely(
    typing_context,  # noqa: ARG001 (the form that Numba asks for)
    memory,
    source,
    target,
    parameters,
    weights,
    biases,
    length,
    rows,
):
    """memory[target …] becomes W x + b, x from memory[source] on, W and b from parameters."""

    def generate(context, builder, signature, arguments):
        kind = context.get_data_type(signature.args[0].dtype)
        held, given = (
            context.make_array(signature.args[k])(context, builder, arguments[k]).data
            for k in (0, 3)
        )
        places = [builder.gep(held, [arguments[k]]) for k in (1, 2)]
        places += [builder.gep(given, [arguments[k]]) for k in (4, 5)]
        made = _function(context, builder.module, kind)
        builder.call(made, [*places, *arguments[6:]])
        return context.get_dummy_value()

    places = (weights, biases, length, rows)
    return types.void(memory, source, target, parameters, *places), generate
