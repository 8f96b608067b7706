"""Scalar expressions over shared columns, brought to the few exact forms that circuits compute.

Every number becomes an integer of a stated decimal scale: operands get equal scales by casts or by
rewritten literals. Functions of one column with a public domain become tables over its codes
(tables.py). Quotients are compared by their parts (ratios.py). What cannot be brought there is
refused by name, with its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..query.bound import Call, Case, ColumnRef, Expression, Literal
from ..query.datatypes import (
    BooleanType,
    Column,
    DateType,
    DoubleType,
    IntegerType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)
from ..query.errors import UnsupportedError
from .expressions import call, columns_of, reference
from .fixed_point import FixedPoint
from .fixed_rounding import ROUNDINGS, to_exact, to_places
from .ranging import expression_range
from .scalar_functions import keeps_integers, of_moment, of_number
from .scalar_strings import of_text
from .scales import at_scale, exact_literal, rescaled, scale_of
from .tables import tabulated, values_of

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "is_distinct", "is_not_distinct")
CHOICES = ("coalesce", "nullif", "greatest", "least", "cast")
WHOLE = ("fixed", "units", "shift_right")
"""Functions of what is rewritten already."""

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Scalars:
    """Rewrites expressions over an operator's input columns."""

    def __init__(self, columns: Mapping[int, Column]) -> None:
        self._columns = columns
        self.fixed = FixedPoint(columns)

    def rewrite(self, expression: Expression) -> Expression:
        """The expression in the executor's terms. UnsupportedError if there is no such form."""
        match expression:
            case ColumnRef():
                return dataclasses.replace(
                    reference(self._columns[expression.id]), span=expression.span
                )
            case Literal():
                return exact_literal(expression)
            case Case():
                return self._case(expression)
            case Call() if expression.function in WHOLE:
                return expression
            case Call():
                return self._call(expression)
            case _:
                raise AssertionError(type(expression).__name__)

    def _call(self, node: Call) -> Expression:
        if self._is_domain_function(node):
            table = self._from_table(node)
            if table is not None:
                return table
        from .ratios import compare_ratios, has_quotient, ratio_is_null

        if node.function in COMPARISONS and any(map(has_quotient, node.arguments)):
            return self.rewrite(compare_ratios(node, self._columns))
        if node.function in ("is_null", "is_not_null") and has_quotient(node.arguments[0]):
            null = self.rewrite(ratio_is_null(node.arguments[0]))
            return null if node.function == "is_null" else call("not", [null], nullable=False)
        arguments = tuple(self.rewrite(argument) for argument in node.arguments)
        match node.function:
            case "and" | "or" | "not":
                return call(node.function, arguments, like=node)
            case "is_null" | "is_not_null":
                if self.fixed.concerns(arguments):
                    arguments = (self.fixed.number(arguments[0]).whole,)
                return call(node.function, arguments, nullable=False, like=node)
            case function if function in COMPARISONS:
                return self._comparison(node, *arguments)
            case "in":
                return self._in(node, arguments)
            case "+" | "-" | "*" | "negate" | "abs" | "sign" if not isinstance(
                node.type, TimestampType
            ):
                return self._arithmetic(node, arguments)
            case "/" if self._is_scaled(arguments):
                return self.fixed.arithmetic(node, arguments)
            case "cast":
                return self._cast(node, arguments[0])
            case "coalesce" | "greatest" | "least" | "nullif":
                return self._choice(node, arguments)
            case _:
                return self._function(node, arguments)

    def _is_scaled(self, arguments: tuple[Expression, ...]) -> bool:
        """A computed DOUBLE divided by a constant."""
        divisor = arguments[1]
        constant = isinstance(divisor, Literal) and bool(divisor.value)
        return constant and self.fixed.concerns(arguments)

    def _function(self, node: Call, arguments: tuple[Expression, ...]) -> Expression:
        """Functions that have circuits of their own."""
        if node.function in ROUNDINGS and self.fixed.concerns(arguments[:1]):
            rounded = to_places(self.fixed, node, arguments)
            if rounded is not None:
                return rounded
        ranges = {column.id: column.encoding for column in self._columns.values()}
        found = of_moment(node, arguments, ranges) or of_number(node, arguments)
        found = found or of_text(node, arguments) or self._from_table(node)
        found = found or self._from_value(node, arguments)
        if found is None:
            raise unsupported(node)
        return found

    def _from_table(self, node: Call) -> Expression | None:
        """A function of one column with a small public range as a table; None where it is not."""
        ids = columns_of(node)
        if len(ids) != 1:
            return None
        column = self._columns[next(iter(ids))]
        values = values_of(column)
        found = None if values is None else tabulated(node, column, values)
        if values is None or found is None:
            return None
        results, for_null = found
        plain = isinstance(node.type, BooleanType) and all(r.value is not None for r in results)
        if plain and isinstance(column.type, VarcharType):
            chosen = [v for v, r in zip(values, results, strict=True) if r.value]
            table = call("in", [reference(column), *chosen], like=node)
        else:
            nullable = column.nullable or any(result.nullable for result in results)
            inner = [reference(column), *results]
            table = call("mapped", inner, type=node.type, nullable=nullable, like=node)
        if not column.nullable or for_null.value is None:
            return table
        absent = call("is_null", [reference(column)], nullable=False)
        return Case(
            type=node.type,
            nullable=any(result.nullable for result in results),
            branches=((absent, for_null),),
            otherwise=table,
        )

    def _from_value(self, node: Call, arguments: tuple[Expression, ...]) -> Expression | None:
        """A function of one computed value with a small public range, and constants, as a table."""
        values = [argument for argument in arguments if not isinstance(argument, Literal)]
        if len(values) != 1:
            return None
        (value,) = values
        ranges = {column.id: column.encoding for column in self._columns.values()}
        column = Column(
            id=-1,
            name="",
            type=value.type,
            encoding=expression_range(value, ranges),
            nullable=value.nullable,
        )
        inner = tuple(reference(column) if a is value else a for a in arguments)
        entries = values_of(column)
        found = None
        if entries is not None:
            found = tabulated(dataclasses.replace(node, arguments=inner), column, entries)
        if found is None or (value.nullable and found[1].value is not None):
            return None
        nullable = value.nullable or any(result.nullable for result in found[0])
        return call("mapped", [value, *found[0]], type=node.type, nullable=nullable, like=node)

    def _is_domain_function(self, node: Call) -> bool:
        """A function of one string column with a public domain, beyond plain comparisons."""
        if node.function in ("and", "or", "not", "is_null", "is_not_null", *CHOICES):
            return False
        if node.function in (*COMPARISONS, "in") and all(
            isinstance(argument, ColumnRef | Literal) for argument in node.arguments
        ):
            return False
        ids = columns_of(node)
        if len(ids) != 1:
            return False
        encoding = self._columns[next(iter(ids))].encoding
        return encoding is not None and encoding.domain is not None

    def _comparison(self, node: Call, left: Expression, right: Expression) -> Expression:
        if isinstance(left, Literal) and not isinstance(right, Literal):
            mirrored = dataclasses.replace(
                node, function=MIRRORED.get(node.function, node.function)
            )
            return self._comparison(mirrored, right, left)
        if self.fixed.concerns((left, right)):
            return self.fixed.comparison(node, left, right)
        nullable = not node.function.startswith("is_") and (left.nullable or right.nullable)
        if isinstance(left.type, VarcharType) and isinstance(right, Literal):
            right = dataclasses.replace(right, type=left.type)
            return call(node.function, [left, right], nullable=nullable, like=node)
        left, right = self._aligned(node, (left, right))
        return call(node.function, [left, right], nullable=nullable, like=node)

    def _in(self, node: Call, arguments: tuple[Expression, ...]) -> Expression:
        first, literals = arguments[0], arguments[1:]
        if self.fixed.concerns(arguments):
            return self.fixed.membership(node, arguments)
        if not all(isinstance(literal, Literal) for literal in literals):
            equal = [call("=", [first, other], like=node) for other in literals]
            return self.rewrite(call("or", equal, like=node))
        nullable = first.nullable or any(literal.nullable for literal in literals)
        if isinstance(first.type, VarcharType):
            literals = tuple(dataclasses.replace(literal, type=first.type) for literal in literals)
            return call("in", [first, *literals], nullable=nullable, like=node)
        aligned = self._aligned(node, (first, *literals))
        return call("in", aligned, nullable=nullable, like=node)

    def _arithmetic(self, node: Call, arguments: tuple[Expression, ...]) -> Expression:
        if node.function in ("+", "-") and any(isinstance(a.type, DateType) for a in arguments):
            return self._days(node, arguments)
        if self.fixed.concerns(arguments):
            return self.fixed.arithmetic(node, arguments)
        scales = [scale_of(argument.type) for argument in arguments]
        if any(scale is None for scale in scales):
            raise unsupported(node)
        if node.function == "*":
            scale = sum(s for s in scales if s is not None)
        else:
            scale = max(s for s in scales if s is not None)
            arguments = tuple(rescaled(argument, scale) for argument in arguments)
        if node.function == "sign":
            scale = 0
        type = _at(node.type, scale)
        return call(node.function, arguments, type=type, like=node)

    def _days(self, node: Call, arguments: tuple[Expression, ...]) -> Expression:
        """Dates are days: their differences are integers, and integers of days are added."""
        if not all(isinstance(a.type, DateType | IntegerType) for a in arguments):
            raise unsupported(node)
        return call(node.function, arguments, type=node.type, like=node)

    def _cast(self, node: Call, inner: Expression) -> Expression:
        if isinstance(inner.type, BooleanType) and scale_of(node.type) is not None:
            return self._number_of(node, inner)
        if self.fixed.is_fixed(inner):
            return self._cast_of_fixed(node, inner)
        before, after = scale_of(inner.type), scale_of(node.type)
        if before is not None and isinstance(node.type, DoubleType) and after is None:
            after = before
        if before is not None and after is not None and after >= before:
            scaled = rescaled(inner, after)
            type = _at(node.type, after)
            return scaled if scaled.type == type else _retyped(scaled, type)
        if before is not None and isinstance(node.type, BooleanType):
            zero = Literal(type=IntegerType(32), nullable=False, value=0)
            return self._comparison(dataclasses.replace(node, function="<>"), inner, zero)
        if before is not None and after is not None and _rounds_exactly(inner, node.type):
            return call("cast", [inner], type=node.type, nullable=inner.nullable, like=node)
        families = type_family(inner.type), type_family(node.type)
        if families in (("date", "timestamp"), ("timestamp", "date")):
            return call("cast", [inner], type=node.type, nullable=inner.nullable, like=node)
        same = isinstance(inner.type, NullType) or (
            type_family(inner.type) == type_family(node.type)
            and type_family(node.type) in ("date", "timestamp", "text", "boolean")
        )
        if same:
            return (
                dataclasses.replace(inner, type=node.type) if isinstance(inner, Literal) else inner
            )
        table = self._from_table(node) or self._from_value(node, (inner,))
        if table is not None:
            return table
        raise unsupported(node, f"CAST from {inner.type} to {node.type}")

    def _cast_of_fixed(self, node: Call, inner: Expression) -> Expression:
        match node.type:
            case DoubleType(scale=None):
                return inner
            case BooleanType():
                zero = Literal(type=IntegerType(32), nullable=False, value=0)
                return self._comparison(dataclasses.replace(node, function="<>"), inner, zero)
        made = to_exact(self.fixed, node, inner)
        if made is None:
            raise unsupported(node, f"CAST from DOUBLE to {node.type}")
        return made

    def _number_of(self, node: Call, inner: Expression) -> Expression:
        """A truth value as 0 or 1."""
        one, zero = (Literal(type=IntegerType(32), nullable=False, value=v) for v in (1, 0))
        branches: tuple[tuple[Expression, Expression], ...] = ((inner, one),)
        if not inner.nullable:
            return Case(type=one.type, nullable=False, branches=branches, otherwise=zero)
        branches += ((call("not", [inner]), zero),)
        return Case(type=one.type, nullable=True, branches=branches, otherwise=None)

    def _choice(self, node: Call, arguments: tuple[Expression, ...]) -> Expression:
        if node.function == "nullif" and isinstance(arguments[0].type, VarcharType):
            return self._nullif(node, *arguments)
        if self.fixed.concerns(arguments):
            return self.fixed.choice(node, arguments)
        aligned = self._aligned(node, arguments)
        every = all(argument.nullable for argument in arguments)
        nullable = {"coalesce": every, "nullif": True}.get(node.function, every)
        return call(node.function, aligned, type=aligned[0].type, nullable=nullable, like=node)

    def _nullif(self, node: Call, left: Expression, right: Expression) -> Expression:
        """NULLIF of texts, whose second one need not be a value that the first can have."""
        same = self._comparison(dataclasses.replace(node, function="="), left, right)
        null = Literal(type=left.type, nullable=True, value=None)
        return Case(
            type=left.type,
            nullable=True,
            branches=((same, null),),
            otherwise=left,
            span=node.span,
        )

    def _case(self, node: Case) -> Expression:
        conditions = [self.rewrite(condition) for condition, _ in node.branches]
        values = [self.rewrite(value) for _, value in node.branches]
        if node.otherwise is not None:
            values.append(self.rewrite(node.otherwise))
        aligned, finish = tuple(values), None
        if self.fixed.concerns(values):
            made, finish = self.fixed.alternatives(values)
            aligned = tuple(made)
        aligned = self._aligned(node, aligned)
        count = len(conditions)
        nullable = node.otherwise is None or any(value.nullable for value in aligned)
        chosen = dataclasses.replace(
            node,
            type=next((v.type for v in aligned if not _is_null(v)), node.type),
            nullable=nullable,
            branches=tuple(zip(conditions, aligned[:count], strict=True)),
            otherwise=None if node.otherwise is None else aligned[count],
        )
        return chosen if finish is None else finish(chosen)

    def _aligned(self, node: Expression, values: tuple[Expression, ...]) -> tuple[Expression, ...]:
        """The values with one scale, or of one comparable type; NULL takes the others' type."""
        known = [value for value in values if not _is_null(value)]
        if not known:
            return values
        scales = [scale_of(value.type) for value in known]
        if all(scale is not None for scale in scales):
            scale = max(s for s in scales if s is not None)
            type = at_scale(known[0].type, scale)
            return tuple(_null(v, type) if _is_null(v) else rescaled(v, scale) for v in values)
        families = {type_family(value.type) for value in known}
        if len(families) > 1 or "other" in families:
            raise unsupported(node)
        type = known[0].type
        return tuple(_null(v, type) if _is_null(v) else v for v in values)


def type_family(type: SqlType) -> str:
    match type:
        case DateType():
            return "date"
        case TimestampType():
            return "timestamp"
        case VarcharType():
            return "text"
        case BooleanType():
            return "boolean"
        case _:
            return "number" if scale_of(type) is not None else "other"


def unsupported(node: Expression, what: str | None = None) -> UnsupportedError:
    """What stands here cannot be computed on shares."""
    name = what or (node.function if isinstance(node, Call) else "CASE")
    if isinstance(node, Call) and any(e.type == DoubleType(None) for e in node.arguments):
        return UnsupportedError(
            f"{name} of a computed DOUBLE is not supported over shares",
            span=node.span,
            hint="CAST it to DECIMAL(p,s) first, if that runs, or select it and compute with the "
            "result",
        )
    return UnsupportedError(
        f"{name} over columns of several owners is not supported",
        span=node.span,
        hint="over columns that one owner has alone it would run: compute it there first, in a "
        "derived table or before the join",
    )


def _rounds_exactly(inner: Expression, after: SqlType) -> bool:
    """Whether a cast to fewer decimals rounds the decimal value: a DOUBLE only to an integer."""
    if not isinstance(inner.type, DoubleType):
        return True
    return isinstance(after, IntegerType) and keeps_integers(inner)


def _is_null(expression: Expression) -> bool:
    return isinstance(expression, Literal) and expression.value is None


def _null(expression: Expression, type: SqlType) -> Expression:
    return Literal(type=type, nullable=True, value=None, span=expression.span)


def _at(type: SqlType, scale: int) -> SqlType:
    """The type that SQL gives, if it has that scale."""
    return type if scale_of(type) == scale else at_scale(type, scale)


def _retyped(expression: Expression, type: SqlType) -> Expression:
    if isinstance(expression, Literal):
        return dataclasses.replace(expression, type=type)
    return call("cast", [expression], type=type, nullable=expression.nullable)
