"""Steps of compiled code that are written as vectors, for the inside of `compiled_kernels`.

Each lane computes what a scalar loop would, in the same order: how many lanes the processor has
changes no bit. The functions build LLVM's instructions; Numba calls them while it compiles.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false
# pyright: reportMissingTypeStubs=false, reportMissingTypeArgument=false, reportCallIssue=false
# Arguments are types first and LLVM values later; annotations would say neither.

from __future__ import annotations

from llvmlite import binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
"""What the processor computes with at once; it does not change what comes out."""


@intrinsic
def choose_eight(typing_context, lower, upper, bits, target, first):  # noqa: ARG001 (the form that Numba asks for)
    """target[first + k] is upper's where bit k is 1, or lower's, for eight neighbours."""

    def generate(context, builder, signature, arguments):
        kind = context.get_data_type(signature.args[0].dtype)
        eight = ir.VectorType(kind, 8)

        def place(k):
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(builder.gep(array.data, [arguments[4]]), eight.as_pointer())

        def loaded(k):
            vector = builder.load(place(k), typ=eight)
            vector.align = context.get_abi_sizeof(kind)
            return vector

        mask = builder.trunc(arguments[2], ir.IntType(8))
        mask = builder.bitcast(mask, ir.VectorType(ir.IntType(1), 8))
        chosen = builder.select(mask, loaded(1), loaded(0))
        builder.store(chosen, place(3), align=context.get_abi_sizeof(kind))
        return context.get_dummy_value()

    return types.void(lower, upper, bits, target, first), generate


@intrinsic
def pool_pairs(
    typing_context,  # noqa: ARG001 (the form that Numba asks for)
    memory,
    begin,
    row,
    target,
):
    """The largest of windows of 2 × 2, NaN where one is: as many as a vector holds."""

    def generate(context, builder, signature, arguments):
        kind = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(kind)
        lanes = VECTOR_BYTES // size
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        vector = ir.VectorType(kind, lanes)

        def place(index):
            return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())

        def loaded(index, further):
            index = builder.add(index, ir.Constant(index.type, further))
            found = builder.load(place(index), typ=vector)
            found.align = size
            return found

        def larger_lanes(a, b):
            is_larger = builder.fcmp_ordered(">", a, b)
            is_none = builder.fcmp_unordered("uno", a, a)
            return builder.select(builder.or_(is_larger, is_none), a, b)

        def every_other(a, b, first):
            lane = ir.Constant(
                ir.VectorType(ir.IntType(32), lanes), [first + 2 * k for k in range(lanes)]
            )
            return builder.shuffle_vector(a, b, lane)

        upper, lower = arguments[1], builder.add(arguments[1], arguments[2])
        halves = [larger_lanes(loaded(upper, k), loaded(lower, k)) for k in (0, lanes)]
        even, odd = every_other(*halves, 0), every_other(*halves, 1)
        builder.store(larger_lanes(even, odd), place(arguments[3]), align=size)
        return context.get_dummy_value()

    return types.void(memory, begin, row, target), generate


def sums_of(outputs, vectors):
    """An intrinsic that convolves: `outputs` planes, `vectors` neighbouring vectors of places.

    It takes memory, where the inputs begin, the way to the next plane and to the next row of them,
    how many planes, rows and columns of the kernel; parameters, the first weight, the way to the
    next output's, and the first bias; where sums go, and the way to the next plane of them. All
    sums stay in registers.
    """

    @intrinsic
    def add_up(
        typing_context,  # noqa: ARG001 (the form that Numba asks for)
        memory,
        inputs,
        plane,
        row,
        planes,
        rows,
        columns,
        parameters,
        weights,
        each,
        biases,
        target,
        sums,
    ):
        def generate(context, builder, signature, arguments):
            kind = context.get_data_type(signature.args[0].dtype)
            lanes = VECTOR_BYTES // context.get_abi_sizeof(kind)
            vector, number = ir.VectorType(kind, lanes), ir.IntType(64)
            # llvmlite's own `fma` takes scalars only.
            fma = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(vector, [vector] * 3),
                f"llvm.fma.v{lanes}f{8 * VECTOR_BYTES // lanes}",
            )
            numbers, given = (
                context.make_array(signature.args[k])(context, builder, arguments[k]).data
                for k in (0, 7)
            )
            at, plane, row, planes, rows, columns = arguments[1:7]
            weights, each, biases, target, sums = arguments[8:]

            def place(index):
                return builder.bitcast(builder.gep(numbers, [index]), vector.as_pointer())

            def spread(index):
                one = builder.load(builder.gep(given, [index]), typ=kind)
                first = builder.insert_element(ir.Constant(vector, ir.Undefined), one, number(0))
                lane = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
                return builder.shuffle_vector(first, first, lane)

            def beyond(index, steps, step):
                return builder.add(index, builder.mul(step, number(steps)))

            grid = [(o, v) for o in range(outputs) for v in range(vectors)]
            held = {cell: cgutils.alloca_once(builder, vector) for cell in grid}
            tap = cgutils.alloca_once_value(builder, weights)
            for o, v in grid:
                builder.store(spread(builder.add(biases, number(o))), held[o, v])
            with (
                cgutils.for_range(builder, planes) as i,
                cgutils.for_range(builder, rows) as r,
                cgutils.for_range(builder, columns) as c,
            ):
                first = builder.add(at, builder.mul(i.index, plane))
                first = builder.add(builder.add(first, builder.mul(r.index, row)), c.index)
                seen = []
                for v in range(vectors):
                    seen.append(builder.load(place(beyond(first, v, number(lanes))), typ=vector))
                    seen[-1].align = context.get_abi_sizeof(kind)
                weight = builder.load(tap)
                builder.store(builder.add(weight, number(1)), tap)
                for o in range(outputs):
                    factor = spread(beyond(weight, o, each))
                    for v in range(vectors):
                        total = builder.load(held[o, v])
                        builder.store(builder.call(fma, (factor, seen[v], total)), held[o, v])
            for o, v in grid:
                index = beyond(beyond(target, o, sums), v, number(lanes))
                align = context.get_abi_sizeof(kind)
                builder.store(builder.load(held[o, v]), place(index), align=align)
            return context.get_dummy_value()

        whole = (inputs, plane, row, planes, rows, columns)
        places = (weights, each, biases, target, sums)
        return types.void(memory, *whole, parameters, *places), generate

    return add_up


add_up_4x3 = sums_of(4, 3)
add_up_4x1 = sums_of(4, 1)
add_up_1x1 = sums_of(1, 1)
