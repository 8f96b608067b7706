"""The scalar functions of DuckDB that queries may call, with their types.

Over shared columns only some of them run (the planner decides); over one owner's columns all do,
in DuckDB. A function that is not here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .bound import Expression, Literal
from .datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TIMESTAMP,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    NullType,
    SqlType,
    TimestampType,
    VarcharType,
)
from .typerules import is_numeric

TypeRule = Callable[[Sequence[Expression]], SqlType | None]
"""The result type from the arguments; None if they do not fit the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarFunction:
    """`name`: the canonical one. `counts`: how many arguments it takes at least and at most.

    `strict`: NULL in gives NULL out, and nothing else gives NULL; else the result may be NULL.
    """

    name: str
    counts: tuple[int, int]
    result: TypeRule
    strict: bool = True


def find_function(name: str) -> ScalarFunction | None:
    """The function of that name or synonym, without regard to case."""
    return _FUNCTIONS.get(name.lower())


def similar_function(name: str) -> str | None:
    """A known function whose name looks like this one."""
    close = get_close_matches(name.lower(), [*_FUNCTIONS, *AGGREGATES], n=1)
    return close[0] if close else None


CLOCK_FUNCTIONS = frozenset(
    str.split("now today current_date current_time current_timestamp localtimestamp getdate")
)

AGGREGATES = {
    name: names.split()[0]
    for names in (
        "count", "sum", "avg mean", "min", "max", "any_value", "count_if countif", "bool_and",
        "bool_or", "arg_min min_by argmin", "arg_max max_by argmax", "mode", "var_pop",
        "var_samp variance", "stddev_pop", "stddev_samp stddev", "covar_pop", "covar_samp",
        "corr", "regr_slope", "regr_intercept", "regr_r2", "regr_count", "regr_avgx",
        "regr_avgy", "regr_sxx", "regr_syy", "regr_sxy", "median", "quantile_cont",
        "quantile_disc quantile",
    )
    for name in names.split()
}  # fmt: skip
"""Every name of an aggregate that runs, and the name that it stands for."""

OF_ONE = frozenset({"var_pop", "var_samp", "stddev_pop", "stddev_samp"})

OF_TWO = frozenset(
    str.split(
        """
        covar_pop covar_samp corr regr_slope regr_intercept regr_r2 regr_count regr_avgx regr_avgy
        regr_sxx regr_syy regr_sxy
        """
    )
)
"""Statistics of pairs, the dependent variable first."""

QUANTILES = frozenset({"median", "quantile_cont", "quantile_disc"})

TWO_ARGUMENTS = OF_TWO | {"arg_min", "arg_max", "quantile_cont", "quantile_disc"}

STATISTICS = frozenset(
    str.split(
        """
        ttest_ind ttest_welch ttest_paired chi2_test mann_whitney wilcoxon kaplan_meier logrank
        histogram crosstab
        """
    )
)
"""Aggregates of the language that are refused by name."""

OTHER_AGGREGATES = frozenset(
    str.split(
        """
        first last string_agg listagg group_concat list array_agg product bit_and bit_or bit_xor
        approx_count_distinct approx_quantile entropy kurtosis skewness fsum favg mad every sem
        """
    )
)
"""Aggregates of DuckDB beyond the language."""

WINDOW_FUNCTIONS = frozenset(
    str.split(
        """
        row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value
        nth_value
        """
    )
)

WINDOW_AGGREGATES = frozenset(
    {"count", "sum", "avg", "min", "max", "bool_and", "bool_or", "count_if"}
)
"""Aggregates that also run over the frames of a window."""

MODEL_FUNCTIONS = frozenset({"predict", "evaluate"})

_SMALLEST = IntegerType(8)

MAX_PLACES = 38
"""To how many places ROUND and TRUNC go, before and behind the point: as many as types have."""


def _is_text(expression: Expression) -> bool:
    return isinstance(expression.type, VarcharType | NullType)


def _is_number(expression: Expression) -> bool:
    return is_numeric(expression.type) or isinstance(expression.type, NullType)


def _is_integer(expression: Expression) -> bool:
    return isinstance(expression.type, IntegerType | NullType)


def _is_moment(expression: Expression) -> bool:
    return isinstance(expression.type, DateType | TimestampType | NullType)


Test = Callable[[Expression], bool]


def _fixed(result: SqlType, *tests: Test) -> TypeRule:
    """A fixed result type if the arguments pass the tests (the last one repeats)."""

    def rule(arguments: Sequence[Expression]) -> SqlType | None:
        wanted = [tests[min(i, len(tests) - 1)] for i in range(len(arguments))]
        fits = all(test(a) for test, a in zip(wanted, arguments, strict=True))
        return result if fits else None

    return rule


def _text(*tests: Test, keeps: bool = False) -> TypeRule:
    """VARCHAR; with the first argument's length if the result cannot be longer."""

    def rule(arguments: Sequence[Expression]) -> SqlType | None:
        if _fixed(VarcharType(), *tests)(arguments) is None:
            return None
        first = arguments[0].type
        return first if keeps and isinstance(first, VarcharType) else VarcharType()

    return rule


def _as_number(arguments: Sequence[Expression]) -> SqlType | None:
    first = arguments[0].type
    if isinstance(first, NullType):
        return BIGINT
    return first if is_numeric(first) else None


def _whole(arguments: Sequence[Expression]) -> SqlType | None:
    """FLOOR and CEIL: a decimal without decimals, a DOUBLE of anything else."""
    first = arguments[0].type
    if isinstance(first, DecimalType):
        return DecimalType(first.precision, 0)
    return DoubleType(0) if _is_number(arguments[0]) else None


def _rounded(arguments: Sequence[Expression]) -> SqlType | None:
    """ROUND and TRUNC: a decimal keeps at most the wanted decimals."""
    first = arguments[0].type
    places = 0
    if len(arguments) == 2:
        wanted = arguments[1]
        if not isinstance(wanted, Literal) or not isinstance(wanted.value, int):
            return None
        if abs(wanted.value) > MAX_PLACES:
            return None
        places = max(0, wanted.value)
    match first:
        case DecimalType(precision=precision, scale=scale):
            return DecimalType(precision, min(scale, places))
        case DoubleType(scale=scale):
            return DoubleType(places if scale is None else min(scale, places))
        case IntegerType() | NullType():
            return first if isinstance(first, IntegerType) else BIGINT
        case _:
            return None


def _sign(arguments: Sequence[Expression]) -> SqlType | None:
    return _SMALLEST if _is_number(arguments[0]) else None


def _anything(_: Expression) -> bool:
    return True


def _function(
    names: str, low: int, high: int, result: TypeRule, strict: bool = True
) -> list[tuple[str, ScalarFunction]]:
    """Entries for a function under its canonical name and its synonyms."""
    first, *synonyms = names.split()
    function = ScalarFunction(name=first, counts=(low, high), result=result, strict=strict)
    return [(name, function) for name in (first, *synonyms)]


MANY = 1000

_MATHEMATICS = str.split("sqrt cbrt exp ln log10 log2 sin cos tan asin acos atan degrees radians")

_FUNCTIONS: dict[str, ScalarFunction] = dict(
    entry
    for entries in (
        _function("abs", 1, 1, _as_number),
        _function("round", 1, 2, _rounded),
        _function("trunc", 1, 2, _rounded),
        _function("floor", 1, 1, _whole),
        _function("ceil ceiling", 1, 1, _whole),
        _function("sign", 1, 1, _sign),
        *(_function(name, 1, 1, _fixed(DOUBLE, _is_number)) for name in _MATHEMATICS),
        _function("log", 1, 2, _fixed(DOUBLE, _is_number)),
        _function("power pow", 2, 2, _fixed(DOUBLE, _is_number)),
        _function("atan2", 2, 2, _fixed(DOUBLE, _is_number)),
        _function("pi", 0, 0, _fixed(DOUBLE, _anything)),
        _function("gcd greatest_common_divisor", 2, 2, _fixed(BIGINT, _is_integer)),
        _function("upper ucase", 1, 1, _text(_is_text)),
        _function("lower lcase", 1, 1, _text(_is_text)),
        _function("trim", 1, 2, _text(_is_text, keeps=True)),
        _function("ltrim", 1, 2, _text(_is_text, keeps=True)),
        _function("rtrim", 1, 2, _text(_is_text, keeps=True)),
        _function("length len char_length character_length", 1, 1, _fixed(BIGINT, _is_text)),
        _function("strlen", 1, 1, _fixed(BIGINT, _is_text)),
        _function("substring substr", 2, 3, _text(_is_text, _is_integer, keeps=True)),
        _function("left", 2, 2, _text(_is_text, _is_integer, keeps=True)),
        _function("right", 2, 2, _text(_is_text, _is_integer, keeps=True)),
        _function("strpos position instr", 2, 2, _fixed(BIGINT, _is_text)),
        _function("replace", 3, 3, _text(_is_text)),
        _function("translate", 3, 3, _text(_is_text)),
        _function("reverse", 1, 1, _text(_is_text)),
        _function("repeat", 2, 2, _text(_is_text, _is_integer)),
        _function("lpad", 3, 3, _text(_is_text, _is_integer, _is_text)),
        _function("rpad", 3, 3, _text(_is_text, _is_integer, _is_text)),
        _function("split_part", 3, 3, _text(_is_text, _is_text, _is_integer)),
        _function("concat_ws", 2, MANY, _text(_is_text, _anything), strict=False),
        _function("starts_with prefix", 2, 2, _fixed(BOOLEAN, _is_text)),
        _function("ends_with suffix", 2, 2, _fixed(BOOLEAN, _is_text)),
        _function("contains", 2, 2, _fixed(BOOLEAN, _is_text)),
        _function("regexp_matches", 2, 3, _fixed(BOOLEAN, _is_text)),
        _function("regexp_full_match", 2, 3, _fixed(BOOLEAN, _is_text)),
        _function("regexp_replace", 3, 4, _text(_is_text)),
        _function("ascii", 1, 1, _fixed(INTEGER, _is_text)),
        _function("md5", 1, 1, _text(_is_text)),
        _function("sha256", 1, 1, _text(_is_text)),
        _function("levenshtein", 2, 2, _fixed(BIGINT, _is_text)),
        _function("jaccard", 2, 2, _fixed(DOUBLE, _is_text)),
        _function("last_day", 1, 1, _fixed(DATE, _is_moment)),
        _function("dayname", 1, 1, _text(_is_moment)),
        _function("monthname", 1, 1, _text(_is_moment)),
        _function("strftime", 2, 2, _text(_is_moment, _is_text)),
        _function("strptime", 2, 2, _fixed(TIMESTAMP, _is_text)),
        _function("make_date", 3, 3, _fixed(DATE, _is_integer)),
        _function("datediff date_diff", 3, 3, _fixed(BIGINT, _is_text, _is_moment, _is_moment)),
        _function("datesub date_sub", 3, 3, _fixed(BIGINT, _is_text, _is_moment, _is_moment)),
        _function("xor", 2, 2, _as_number),
        _function("isnan", 1, 1, _fixed(BOOLEAN, _is_number)),
        _function("isfinite", 1, 1, _fixed(BOOLEAN, _is_number)),
    )
    for entry in entries
)

PARTS = frozenset(
    str.split(
        """
        year month day quarter week doy dow isodow hour minute second decade century millennium
        isoyear dayofweek dayofyear dayofmonth weekofyear millisecond microsecond
        """
    )
)
"""What EXTRACT gives as a BIGINT; each of these is a function too, as in DuckDB."""

PART_SYNONYMS = {
    "dayofweek": "dow",
    "dayofyear": "doy",
    "dayofmonth": "day",
    "weekofyear": "week",
    "weekday": "dow",
    "years": "year",
    "months": "month",
    "days": "day",
    "y": "year",
    "yr": "year",
    "mon": "month",
    "d": "day",
    "h": "hour",
    "m": "minute",
    "s": "second",
}

DOUBLE_PARTS = frozenset({"epoch", "julian"})
