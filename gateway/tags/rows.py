"""Rows of WIDTH numbers, held in the machine's registers while they are put together.

Two arrays could be parts of one, for all that the compiler knows; so in a sum of rows every term
goes to memory and back. A `Row` is a value: 16 float32 are two registers of most machines. Its
numbers are those of the array it was read from, single or double; all in a sum must be the same.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped] # what numba is built on, without stubs
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

WIDTH = 16  # columns that belief carries along; fixed, so that a row is two machine words wide

_FAST = ("fast",)
_SINGLES: Any = types.float32


class Row(types.Type):
    """WIDTH numbers at once, for compiled code."""

    def __init__(self, kind: Any) -> None:
        super().__init__(name=f"Row({kind})")
        self.kind = kind

    @property
    def key(self) -> Any:
        """What makes two of these types the same one."""
        return self.kind


@register_model(Row)
class _RowModel(models.PrimitiveModel):
    def __init__(self, manager: Any, row: Any) -> None:
        vector = ir.VectorType(manager.lookup(row.kind).get_value_type(), WIDTH)
        super().__init__(manager, row, vector)  # type: ignore[no-untyped-call] # as above


def _where(context: Any, builder: Any, signature: Any, values: Any, vector: Any) -> Any:
    """The address of the row that the first two arguments name."""
    rows, numbers = signature.args[0], context.make_array(signature.args[0])
    corner = [values[1], context.get_constant(types.intp, 0)]
    item = cgutils.get_item_pointer(  # type: ignore[no-untyped-call] # numba has no types
        context, builder, rows, numbers(context, builder, values[0]), corner
    )
    return builder.bitcast(item, vector.as_pointer())


def _everywhere(builder: Any, vector: Any, value: Any) -> Any:
    """The same number in every column."""
    undefined, index = ir.Constant(vector, ir.Undefined), ir.IntType(32)
    single = builder.insert_element(undefined, value, index(0))
    first = ir.Constant(ir.VectorType(index, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(single, undefined, first)


def _zero_row(_context: Any) -> Any:
    def generate(context: Any, _builder: Any, signature: Any, _values: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Row(_SINGLES)(), generate


def _row_at(_context: Any, rows: Any, _place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        address = _where(context, builder, signature, values, vector)
        return builder.load(address, align=rows.dtype.bitwidth // 8)

    return Row(rows.dtype)(rows, types.intp), generate


def _put_row(_context: Any, rows: Any, _place: Any, row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _where(context, builder, signature, values, values[2].type)
        builder.store(values[2], address, align=rows.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(rows, types.intp, row), generate


def _plus(_context: Any, row: Any, _factor: Any, other: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        factor = _everywhere(builder, values[2].type, values[1])
        product = builder.fmul(factor, values[2], flags=_FAST)
        return builder.fadd(values[0], product, flags=_FAST)

    return row(row, row.kind, other), generate


def _times(_context: Any, row: Any, other: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.fmul(values[0], values[1], flags=_FAST)

    return row(row, other), generate


def _scaled(_context: Any, row: Any, _factor: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        factor = _everywhere(builder, values[0].type, values[1])
        return builder.fmul(values[0], factor, flags=_FAST)

    return row(row, row.kind), generate


def _sum_of(_context: Any, row: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        left, width, index = values[0], WIDTH, ir.IntType(32)
        while width > 1:
            width //= 2
            other = ir.Constant(
                ir.VectorType(index, WIDTH), [(k + width) % WIDTH for k in range(WIDTH)]
            )
            left = builder.fadd(left, builder.shuffle_vector(left, left, other), flags=_FAST)
        return builder.extract_element(left, index(0))

    return row.kind(row), generate


def _narrowed(_context: Any, row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fptrunc(values[0], context.get_value_type(signature.return_type))

    return Row(_SINGLES)(row), generate


zero_row: Any = intrinsic(_zero_row)  # () → zeros, float32
row_at: Any = intrinsic(_row_at)  # (rows (n, WIDTH), place) → what is there
put_row: Any = intrinsic(_put_row)  # (rows (n, WIDTH), place, row): write it there
plus: Any = intrinsic(_plus)  # (row, factor, other) → row + factor · other
times: Any = intrinsic(_times)  # (row, other) → the product, column by column
scaled: Any = intrinsic(_scaled)  # (row, factor) → factor · row
sum_of: Any = intrinsic(_sum_of)  # (row) → the sum of its columns
narrowed: Any = intrinsic(_narrowed)  # (row, float64) → the same in float32
