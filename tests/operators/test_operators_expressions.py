"""Filter and Project: every function over every form, with and without NULLs, constants too."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hand_built import (
    ROWS,
    Built,
    call,
    case,
    check_on_all_data,
    computed,
    encoded,
    fragment,
    lit,
    number,
    ref,
)
from tacit.executor.operators.table import SecretColumn
from tacit.planner.secure import Filter, Form, Fragment, Operator, Project
from tacit.query.bound import Expression
from tacit.query.datatypes import BIGINT, BOOLEAN, DOUBLE, DecimalType, Encoding, VarcharType
from tacit.query.errors import InternalError
from tacit.query.ranges import domain_encoding

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=", "is_distinct", "is_not_distinct")
COLOURS = domain_encoding(["blue", "green", "red"])
PADDED = Encoding(lo=0, hi=256**3 - 1, text_bytes=3)


def numbers(rows: int, form: Form, *, nullable: bool) -> Fragment:
    """Two signed columns, one that is never negative, two Booleans."""
    columns = (
        number(0, -20, 20, nullable=nullable),
        number(1, -3, 25, nullable=nullable),
        number(2, 0, 9, nullable=nullable),
        encoded(3, BOOLEAN, Encoding(lo=0, hi=1), nullable=nullable),
        encoded(4, BOOLEAN, Encoding(lo=0, hi=1)),
    )
    return fragment("t", "bob", rows, *columns, forms=(form, form, form, "bits", "bits"))


def texts(rows: int) -> Fragment:
    columns = (
        encoded(0, VarcharType(5), COLOURS, nullable=True),
        encoded(1, VarcharType(5), COLOURS),
        encoded(2, VarcharType(3), PADDED, nullable=True),
        encoded(3, VarcharType(3), PADDED),
    )
    return fragment("t", "bob", rows, *columns)


def projected(given: Fragment, expressions: Sequence[Expression]) -> Operator:
    """The columns given and one for each expression."""
    kept = [ref(c) for c in given.columns]
    new = [computed(100 + i, e, given.columns) for i, e in enumerate(expressions)]
    return Project(
        columns=(*given.columns, *new),
        rows=given.rows,
        input=given,
        expressions=(*kept, *expressions),
    )


def comparisons(given: Fragment) -> list[Expression]:
    """Columns with columns, with constants inside, at and beyond the range, and with NULL."""
    a, b, *_ = map(ref, given.columns)
    found: list[Expression] = [call(f, a, b) for f in COMPARISONS]
    for constant in (-20, -21, 0, 3, 20, 99):
        found += [call(f, a, lit(constant)) for f in COMPARISONS]
    found += [call(f, lit(4), b) for f in COMPARISONS]
    found += [call(f, a, lit(None)) for f in COMPARISONS]
    found += [call("in", a, lit(3), lit(-20), lit(77)), call("in", a, lit(5), lit(None))]
    return found


def arithmetic(given: Fragment) -> list[Expression]:
    a, b, c, *_ = map(ref, given.columns)
    one = [call(f, a, b, type=BIGINT) for f in ("+", "-", "*", "greatest", "least", "coalesce")]
    two = [call(f, c, lit(-3), type=BIGINT) for f in ("+", "-", "*", "greatest", "least")]
    three = [
        call("negate", a, type=BIGINT),
        call("abs", a, type=BIGINT),
        call("sign", b, type=BIGINT),
    ]
    four = [
        call("nullif", a, b, type=BIGINT),
        call("nullif", c, lit(0), type=BIGINT),
        call("coalesce", a, lit(7), type=BIGINT),
        call("greatest", a, b, c, type=BIGINT),
        call("cast", a, type=DecimalType(9, 2)),
        call("+", call("*", a, b, type=BIGINT), call("negate", c, type=BIGINT), type=BIGINT),
        call("<", call("*", a, b, type=BIGINT), call("+", b, c, type=BIGINT)),
        call("=", call("-", a, b, type=BIGINT), lit(0)),
    ]
    return [*one, *two, *three, *four]


def logic(given: Fragment) -> list[Expression]:
    a, b, _, p, q = map(ref, given.columns)
    less, same = call("<", a, b), call("=", a, lit(3))
    chosen = [
        case((less, a), otherwise=b),
        case((p, lit(5)), (q, b)),
        case((call("is_null", a), lit(0)), (less, lit(None)), otherwise=a),
        case((same, call("*", a, b, type=BIGINT)), otherwise=call("+", a, b, type=BIGINT)),
    ]
    truth = [
        call("and", p, q),
        call("or", p, q),
        call("and", p, less, same),
        call("or", p, less, same),
        call("not", p),
        call("not", call("or", call("not", less), call("and", p, call("not", q)))),
        call("is_null", a),
        call("is_not_null", p),
        call("is_null", less),
        call("=", p, q),
        call("coalesce", p, q),
        call("and", p, lit(None, BOOLEAN)),
        call("or", q, lit(True, BOOLEAN)),
        case((less, p), otherwise=q),
    ]
    return [*chosen, *truth]


def strings(given: Fragment) -> list[Expression]:
    domain, other, padded, plain = map(ref, given.columns)
    three, five = VarcharType(3), VarcharType(5)
    found: list[Expression] = [call(f, domain, other) for f in COMPARISONS]
    found += [call(f, padded, plain) for f in COMPARISONS]
    for word in ("green", "grey", ""):
        found += [call(f, domain, lit(word, five)) for f in COMPARISONS]
    for word in ("é", "", "8", "samesame"):
        found += [call(f, padded, lit(word, three)) for f in COMPARISONS]
    found += [
        call("in", domain, lit("red", five), lit("grey", five)),
        call("in", padded, lit("é", three), lit(None, three)),
        call("coalesce", domain, other, type=five),
        call("coalesce", padded, plain, type=three),
        call("nullif", padded, plain, type=three),
        call("greatest", padded, plain, type=three),
        call("least", domain, other, type=five),
        case((call("=", domain, other), padded), otherwise=plain),
        case((call("=", domain, other), domain), otherwise=other),
    ]
    return found


def quotients(rows: int, form: Form, *, nullable: bool) -> Operator:
    """Exact quotients with each sign, by secret and public divisors, 0 among them."""
    given = numbers(rows, form, nullable=nullable)
    a, b, c, *_ = map(ref, given.columns)
    pairs = [(a, b, -20, 20), (c, a, -9, 9), (c, c, 0, 9), (a, lit(3), -7, 7), (lit(5), c, 0, 5)]
    columns = [
        encoded(100 + i, DOUBLE, Encoding(lo=lo << 8, hi=hi << 8, fraction_bits=8), nullable=True)
        for i, (_, _, lo, hi) in enumerate(pairs)
    ]
    return Project(
        columns=tuple(columns),
        rows=rows,
        input=given,
        expressions=tuple(call("/", x, y, type=DOUBLE) for x, y, _, _ in pairs),
    )


def filtered(rows: int, form: Form, *, nullable: bool) -> Operator:
    given = numbers(rows, form, nullable=nullable)
    a, b, c, p, _ = map(ref, given.columns)
    predicate = call(
        "or", call("and", call("<", a, b), call("not", p)), call("in", c, lit(2), lit(4)), p
    )
    once = Filter(columns=given.columns, rows=rows, input=given, predicate=predicate)
    again = call(">=", call("+", a, c, type=BIGINT), lit(-9))
    return Filter(columns=given.columns[:3], rows=rows, input=once, predicate=again)


def nothing(rows: int) -> Operator:
    """A predicate that is never TRUE: unknown everywhere."""
    given = numbers(rows, "bits", nullable=True)
    predicate = call("=", ref(given.columns[0]), lit(None))
    return Filter(columns=given.columns, rows=rows, input=given, predicate=predicate)


def _cases() -> list[Built]:
    found = [Built("strings", lambda rows: projected(g := texts(rows), strings(g)))]
    found.append(Built("a filter that keeps nothing", nothing))
    forms: tuple[Form, ...] = ("bits", "ring", "both")
    for form in forms:
        for nullable in (False, True):
            suffix = f"{form}{', nullable' if nullable else ''}"

            def made(rows: int, form: Form = form, nullable: bool = nullable) -> Fragment:
                return numbers(rows, form, nullable=nullable)

            def all_of(build, made=made):  # type: ignore[no-untyped-def]
                return lambda rows: projected(g := made(rows), build(g))

            for build in (comparisons, arithmetic, logic):
                found.append(Built(f"{build.__name__} ({suffix})", all_of(build)))
            for whole in (quotients, filtered):
                found.append(
                    Built(
                        f"{whole.__name__} ({suffix})",
                        lambda rows, whole=whole, form=form, nullable=nullable: whole(
                            rows, form, nullable=nullable
                        ),
                    )
                )
    return found


@pytest.mark.parametrize("built", _cases(), ids=lambda built: built.name)
@pytest.mark.parametrize("rows", ROWS)
def test_expressions(built: Built, rows: int) -> None:
    check_on_all_data(built, rows, "radix")


def test_nobody_reads_whether_a_column_may_be_null_before_it_is_computed() -> None:
    encoding = Encoding(lo=0, hi=1)
    column = SecretColumn(
        encoding=encoding,
        rows=0,
        deferred=lambda form: SecretColumn(encoding=encoding, rows=0, null=None),
    )
    with pytest.raises(InternalError, match="null of a column is read before"):
        _ = column.null
    column.force("bits")
    assert column.null is None
