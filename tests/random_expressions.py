"""Writes random expressions over the tables of random_tables.py, out of what Hypothesis draws.

A scope is what an expression may read. Every condition and value may mix columns of all owners.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Item:
    """A column or an output: its SQL, and its kind (int dec dbl bool date time code text)."""

    sql: str
    kind: str


TABLES: dict[str, dict[str, str]] = {
    "person": {
        "id": "int",
        "region": "code",
        "age": "int",
        "income": "dec",
        "born": "date",
        "name": "text",
        "vip": "bool",
    },
    "item": {
        "person": "int",
        "qty": "int",
        "price": "dec",
        "kind": "code",
        "label": "text",
        "sold": "date",
        "weight": "dbl",
        "ok": "bool",
    },
    "stock": {"shop": "int", "kind": "code", "amount": "int", "since": "time"},
    "note": {"person": "int", "score": "int", "rate": "dec", "mark": "text", "seen": "time"},
    "city": {"region": "code", "size": "int", "founded": "date", "coast": "bool"},
    "zone": {"region": "code", "factor": "dec", "climate": "text"},
}

LITERALS = {
    "int": ["0", "1", "-1", "2", "7", "20", "100", "2147483648"],
    "dec": ["0.5", "-1.25", "0", "3", "10.001", "99.99"],
    "dbl": ["0.25", "-3", "1.5", "0"],
    "date": ["DATE '2000-02-29'", "DATE '1970-01-01'", "DATE '2021-12-31'", "DATE '2200-01-01'"],
    "time": ["TIMESTAMP '2020-01-01 12:30:00'", "TIMESTAMP '1999-12-31 23:59:59.999999'"],
    "code": ["'b'", "'c'", "''", "'zz'", "'a'"],
    "text": ["'b'", "'ab'", "''", "'longer than declared'", "'é'"],
    "bool": ["TRUE", "FALSE"],
}
NUMBERS = ("int", "dec", "dbl")
PATTERNS = ["b%", "%b", "_", "%", "a_c%", "", "%é"]


@dataclass
class Scope:
    items: list[Item] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]


def scope_of(**aliases: str) -> Scope:
    """Scope(p="person"): the columns of tables under aliases."""
    items = [
        Item(f"{alias}.{name}", kind)
        for alias, table in aliases.items()
        for name, kind in TABLES[table].items()
    ]
    return Scope(items, dict(aliases))


class Expressions:
    """Random expressions over a scope."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def between(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def several(self, options: list[str], at_most: int) -> list[str]:
        return list(self.draw(st.lists(st.sampled_from(options), min_size=1, max_size=at_most)))

    def chance(self, tenths: int) -> bool:
        return self.between(0, 9) >= 10 - tenths

    def column(self, scope: Scope, *kinds: str) -> Item | None:
        found = scope.of(*kinds)
        return self.pick(found) if found else None

    def number(self, scope: Scope, depth: int) -> Item:
        """A numeric value; quotients stand on top (see `value`)."""
        column = self.column(scope, *NUMBERS)
        if column is None or (depth <= 0 and self.chance(2)):
            kind = self.pick(["int", "dec"])
            return Item(self.pick(LITERALS[kind]), kind)
        if depth <= 0 or self.chance(4):
            return column
        shape = self.pick("+-*+-ncwfgidrqt")
        left, right = self.number(scope, depth - 1), self.number(scope, depth - 1)
        kind = max(left.kind, right.kind, key=NUMBERS.index)
        match shape:
            case "+" | "-" | "*":
                return Item(f"({left.sql} {shape} {right.sql})", kind)
            case "n":
                return Item(self.pick([f"(- {left.sql})", f"abs({left.sql})"]), left.kind)
            case "c":
                return Item(f"coalesce({left.sql}, {right.sql})", kind)
            case "w":
                test = self.condition(scope, depth - 1)
                otherwise = f" ELSE {right.sql}" if self.chance(7) else ""
                return Item(f"CASE WHEN {test} THEN {left.sql}{otherwise} END", kind)
            case "f":
                return Item(f"nullif({left.sql}, {right.sql})", left.kind)
            case "g":
                return Item(f"{self.pick(['greatest', 'least'])}({left.sql}, {right.sql})", kind)
            case "d":
                return self.days(scope) or left
            case "r":
                name = self.pick(["round", "floor", "ceil", "trunc", "sign"])
                places = f", {self.pick([0, 1, 2])}" if name == "round" else ""
                return Item(f"{name}({left.sql}{places})", left.kind)
            case "q":
                divisor = self.column(scope, "int") if self.chance(3) else None
                by = divisor.sql if divisor else self.pick(["2", "7", "-3", "0", "1000"])
                dividend = self.column(scope, "int")
                name = self.pick(["//", "%"])
                return Item(f"({dividend.sql} {name} {by})", "int") if dividend else left
            case "t":
                text = self.column(scope, "text", "code")
                return Item(f"length({text.sql})", "int") if text else left
            case _:
                part = self.column(scope, "date", "time")
                name = self.pick(["year", "month", "quarter", "dow"])
                return Item(f"extract({name} FROM {part.sql})", "int") if part else left

    def days(self, scope: Scope) -> Item | None:
        """A number of days, months or years between dates."""
        first, second = self.column(scope, "date"), self.column(scope, "date")
        if first is None or second is None:
            return None
        unit = self.pick(["", "day", "month", "year"])
        text = f"datediff('{unit}', {first.sql}, {second.sql})" if unit else ""
        return Item(text or f"({first.sql} - {second.sql})", "int")

    def value(self, scope: Scope, depth: int) -> Item:
        """A value of any kind."""
        kind = self.pick(["num", "num", "num", "/", "date", "time", "code", "text", "bool"])
        if kind == "/":
            left, right = self.number(scope, depth - 1), self.number(scope, depth - 1)
            return Item(f"{left.sql} / {right.sql}", "ratio")
        if kind == "bool":
            return Item(f"({self.condition(scope, depth)})", "bool")
        if kind == "num":
            return self.number(scope, depth)
        return self.other(scope, kind, depth)

    def other(self, scope: Scope, kind: str, depth: int) -> Item:
        """A date, timestamp or string."""
        column = self.column(scope, kind)
        if column is None:
            return self.number(scope, depth)
        if depth <= 0 or self.chance(6):
            return column
        second = self.pick(scope.of(kind)).sql
        if kind in ("date", "time") and self.chance(3):
            second = self.pick(LITERALS[kind])
        shape = self.pick("cwgfs")
        if shape == "s":
            return self.special(column)
        if shape == "c":
            return Item(f"coalesce({column.sql}, {second})", kind)
        if shape == "f":
            return Item(f"nullif({column.sql}, {second})", kind)
        if shape == "g" and kind in ("date", "time"):
            return Item(f"greatest({column.sql}, {second})", kind)
        test = self.condition(scope, depth - 1)
        return Item(f"CASE WHEN {test} THEN {column.sql} ELSE {second} END", kind)

    def special(self, column: Item) -> Item:
        """A function of a date, timestamp or string."""
        if column.kind in ("date", "time"):
            unit = self.pick(["month", "year", "week", "quarter"])
            shift = self.pick(["+ INTERVAL 1 MONTH", "- INTERVAL 40 DAY", "+ INTERVAL 1 YEAR"])
            text = self.pick([f"date_trunc('{unit}', {column.sql})", f"({column.sql} {shift})"])
            return Item(text, "date" if text.startswith("date_trunc") else "time")
        calls = ["upper({})", "lower({})", "trim({})", "substring({}, 1, 2)", "({} || 'x')"]
        text = self.pick([*calls, "concat({}, '-', {})", "left({}, 1)"])
        return Item(text.replace("{}", column.sql), "text")

    def condition(self, scope: Scope, depth: int) -> str:
        """A condition that may be unknown."""
        if depth > 0 and self.chance(5):
            left, right = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
            return str(
                self.pick([f"({left} AND {right})", f"({left} OR {right})", f"NOT ({left})"])
            )
        shape = self.pick(["num", "num", "bool", "null", "same", "in", "between", "like"])
        operator = self.pick(["=", "<>", "<", "<=", ">", ">="])
        if shape == "num":
            left, right = self.number(scope, depth), self.number(scope, depth)
            return f"{left.sql} {operator} {right.sql}"
        if shape == "bool" and scope.of("bool"):
            return str(self.pick(scope.of("bool")).sql)
        if shape == "like" and scope.of("text", "code"):
            word = self.pick(["LIKE", "NOT LIKE"])
            return f"{self.pick(scope.of('text', 'code')).sql} {word} '{self.pick(PATTERNS)}'"
        column = self.pick(scope.items)
        if column.kind == "ratio":
            return f"{column.sql} {operator} {self.pick(['0', '1', '2.5'])}"
        others = [i.sql for i in scope.of(column.kind)] + LITERALS[column.kind]
        if shape == "null":
            return f"{column.sql} IS {self.pick(['', 'NOT '])}NULL"
        if shape == "in":
            literals = ", ".join(self.several(LITERALS[column.kind], 3))
            return f"{column.sql} {self.pick(['', 'NOT '])}IN ({literals})"
        if shape == "between":
            return f"{column.sql} BETWEEN {self.pick(others)} AND {self.pick(others)}"
        if shape == "bool" or self.chance(2):
            operator = self.pick(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        return f"{column.sql} {operator} {self.pick(others)}"

    def aggregate(self, scope: Scope) -> Item:
        """One aggregate call, with DISTINCT and FILTER at times."""
        where = f" FILTER (WHERE {self.condition(scope, 1)})" if self.chance(2) else ""
        name = self.pick(
            ["count", "count(*)", "sum", "sum", "avg", "min", "max", "truth", "count_if", "spread"]
        )
        if name == "count(*)":
            return Item(f"count(*){where}", "int")
        if name in ("truth", "count_if"):
            call = self.pick(["bool_and", "bool_or"]) if name == "truth" else name
            kind = "bool" if name == "truth" else "int"
            return Item(f"{call}({self.condition(scope, 1)}){where}", kind)
        if name == "spread":
            return self.spread(scope, where)
        distinct = "DISTINCT " if self.chance(2) and name in ("count", "sum") else ""
        if name in ("sum", "avg"):
            argument = self.number(scope, self.pick([0, 0, 1]))
            kind = argument.kind if name == "sum" else "ratio"
        else:
            kinds = ["int", "dec", "dbl", "date", "time", "code", "text", "bool"]
            argument = self.pick(scope.of(*kinds) or [Item("1", "int")])
            kind = "int" if name == "count" else argument.kind
        return Item(f"{name}({distinct}{argument.sql}){where}", kind)

    def spread(self, scope: Scope, where: str) -> Item:
        """A statistic or quantile of a number."""
        argument = self.column(scope, *NUMBERS) or Item("1", "int")
        call = self.pick(["var_pop({})", "var_samp({})", "stddev_samp({})", "stddev_pop({})",
                          "median({})", "quantile_cont({}, 0.25)", "quantile_disc({}, 0.75)",
                          "covar_pop({}, {})"])  # fmt: skip
        kind = argument.kind if call.startswith("quantile_disc") else "ratio"
        return Item(call.replace("{}", argument.sql) + where, kind)
