"""Writes random SQL: a Hypothesis strategy over the tables of random_tables.py.

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

    def chance(self, tenths: int) -> bool:
        return bool(self.draw(st.integers(0, 9)) >= 10 - tenths)

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
        shape = self.pick("+-*+-ncwfgi")
        left, right = self.number(scope, depth - 1), self.number(scope, depth - 1)
        kind = max(left.kind, right.kind, key=NUMBERS.index)
        match shape:
            case "+" | "-" | "*":
                return Item(f"({left.sql} {shape} {right.sql})", kind)
            case "n":
                return Item(self.pick([f"(-{left.sql})", f"abs({left.sql})"]), left.kind)
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
            case _:
                part = self.column(scope, "date", "time")
                name = self.pick(["year", "month", "quarter", "dow"])
                return Item(f"extract({name} FROM {part.sql})", "int") if part else left

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
        shape = self.pick("cwgf")
        if shape == "c":
            return Item(f"coalesce({column.sql}, {second})", kind)
        if shape == "f":
            return Item(f"nullif({column.sql}, {second})", kind)
        if shape == "g" and kind in ("date", "time"):
            return Item(f"greatest({column.sql}, {second})", kind)
        test = self.condition(scope, depth - 1)
        return Item(f"CASE WHEN {test} THEN {column.sql} ELSE {second} END", kind)

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
            literals = ", ".join(
                self.draw(st.lists(st.sampled_from(LITERALS[column.kind]), min_size=1, max_size=3))
            )
            return f"{column.sql} {self.pick(['', 'NOT '])}IN ({literals})"
        if shape == "between":
            return f"{column.sql} BETWEEN {self.pick(others)} AND {self.pick(others)}"
        if shape == "bool" or self.chance(2):
            operator = self.pick(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
        return f"{column.sql} {operator} {self.pick(others)}"

    def aggregate(self, scope: Scope) -> Item:
        """One aggregate call, with DISTINCT and FILTER at times."""
        where = f" FILTER (WHERE {self.condition(scope, 1)})" if self.chance(2) else ""
        name = self.pick(["count", "count(*)", "sum", "sum", "avg", "min", "max"])
        if name == "count(*)":
            return Item(f"count(*){where}", "int")
        distinct = "DISTINCT " if self.chance(2) and name in ("count", "sum") else ""
        if name in ("sum", "avg"):
            argument = self.number(scope, self.pick([0, 0, 1]))
            kind = argument.kind if name == "sum" else "ratio"
        else:
            kinds = ["int", "dec", "dbl", "date", "time", "code", "text"]
            argument = self.pick(scope.of(*kinds) or [Item("1", "int")])
            kind = "int" if name == "count" else argument.kind
        return Item(f"{name}({distinct}{argument.sql}){where}", kind)


class Queries(Expressions):
    """Random queries."""

    def source(self, depth: int = 1) -> tuple[str, Scope]:
        """A FROM clause and what it offers."""
        join = self.pick(["JOIN", "JOIN", "LEFT JOIN"])
        further = ""
        shape = self.pick(range(13 if depth else 10))
        if shape <= 2:
            table = self.pick(TABLES)
            return f"{table} t", scope_of(t=table)
        if shape <= 5:
            left = self.pick(["item", "note"])
            scope = scope_of(l=left, p="person")
            if self.chance(2):
                further = f" AND {self.condition(scope, 1)}"
            return f"{left} l {join} person p ON l.person = p.id{further}", scope
        match shape:
            case 6:
                other = self.pick(["item", "note"])
                scope = scope_of(p="person", r=other)
                if self.chance(2):
                    further = f" AND {self.condition(scope_of(r=other), 1)}"
                return f"person p {join} {other} r ON p.id = r.person{further}", scope
            case 7:
                on = "l.kind = s.kind AND l.qty = s.shop"
                return f"item l {join} stock s ON {on}", scope_of(l="item", s="stock")
            case 8:
                text = (
                    f"item l JOIN person p ON l.person = p.id {join} stock s "
                    "ON s.kind = l.kind AND s.shop = p.age"
                )
                return text, scope_of(l="item", p="person", s="stock")
            case 9:
                return (
                    f"person p {join} city c ON p.region = c.region",
                    scope_of(p="person", c="city"),
                )
        return self.derived(shape, join)

    def derived(self, shape: int, join: str) -> tuple[str, Scope]:
        """A FROM clause with a derived table in it."""
        table = self.pick(["item", "note"])
        if shape <= 11:
            inner = self.aggregate(scope_of(x=table))
            text = f"(SELECT x.person AS k, {inner.sql} AS v FROM {table} x GROUP BY x.person) g"
            scope = scope_of(p="person")
            scope.items += [Item("g.k", "int"), Item("g.v", inner.kind)]
            return f"person p {join} {text} ON p.id = g.k", scope
        query, items = self.rows()
        return f"({query}) d", Scope([Item(f"d.{i.sql}", i.kind) for i in items])

    def where(self, scope: Scope) -> str:
        parts = [self.condition(scope, self.pick([1, 2]))] if self.chance(5) else []
        if "p" in scope.aliases and self.chance(2):
            table = self.pick(["item", "note"])
            inner = self.condition(scope_of(x=table), 1)
            parts.append(
                self.pick(
                    [
                        f"EXISTS (SELECT * FROM {table} x WHERE x.person = p.id AND {inner})",
                        f"NOT EXISTS (SELECT 1 FROM {table} x WHERE x.person = p.id AND {inner})",
                        f"p.id IN (SELECT x.person FROM {table} x WHERE {inner})",
                        "p.id NOT IN (SELECT person FROM note)",
                    ]
                )
            )
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def rows(self) -> tuple[str, list[Item]]:
        """A query of rows as they are, and its outputs."""
        text, scope = self.source(depth=0)
        count = self.draw(st.integers(1, 3))
        values = [self.value(scope, self.pick([0, 1, 2])) for _ in range(count)]
        distinct = "DISTINCT " if self.chance(1) else ""
        return self.selected(distinct, values, f"{text}{self.where(scope)}")

    def selected(self, distinct: str, values: list[Item], rest: str) -> tuple[str, list[Item]]:
        items = [Item(f"c{n}", value.kind) for n, value in enumerate(values)]
        listed = ", ".join(f"{v.sql} AS {i.sql}" for v, i in zip(values, items, strict=True))
        return f"SELECT {distinct}{listed} FROM {rest}", items

    def grouped(self) -> tuple[str, list[Item]]:
        """A query of groups, or of all rows as one group."""
        text, scope = self.source()
        keys = []
        for _ in range(self.pick([0, 1, 1, 2])):
            shallow = self.pick(scope.items) if self.chance(8) else self.value(scope, 1)
            keys += [shallow] if shallow.kind != "ratio" else []
        values = [*keys, *(self.aggregate(scope) for _ in range(self.pick([1, 1, 2, 3])))]
        group = f" GROUP BY {', '.join(key.sql for key in keys)}" if keys else ""
        if self.chance(2):
            outputs = Scope([v for v in values if v.kind != "bool" or v in keys])
            group += f" HAVING {self.condition(outputs, 1)}"
        return self.selected("", values, f"{text}{self.where(scope)}{group}")

    def union(self) -> tuple[str, list[Item]]:
        """A UNION ALL of columns of the same kinds."""
        kinds = self.draw(
            st.lists(st.sampled_from(["int", "dec", "date", "text"]), min_size=1, max_size=2)
        )
        texts, items = [], []
        for _ in range(self.pick([2, 2, 3])):
            text, scope = self.source(depth=0)
            values = [self.column(scope, kind) or Item("NULL", kind) for kind in kinds]
            one, items = self.selected("", values, f"{text}{self.where(scope)}")
            texts.append(one)
        return " UNION ALL ".join(texts), items

    def query(self) -> tuple[str, bool]:
        """A whole query, and whether its rows come in a total order."""
        text, items = self.pick([self.rows, self.rows, self.grouped, self.grouped, self.union])()
        if not self.chance(3):
            return text, False
        names = [item.sql for item in items]
        ends = [self.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]) for _ in names]
        text += f" ORDER BY {', '.join(n + e for n, e in zip(names, ends, strict=True))}"
        if self.chance(7):
            text += f" LIMIT {self.draw(st.integers(0, 6))}"
            text += f" OFFSET {self.draw(st.integers(0, 3))}" if self.chance(3) else ""
        return text, all(item.kind != "ratio" for item in items)


@st.composite
def queries(draw: Any) -> tuple[str, bool]:
    """(SQL, whether the rows come in a total order)."""
    return Queries(draw).query()
