"""Writes random SQL: a Hypothesis strategy over the tables of random_tables.py."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from random_expressions import TABLES, Expressions, Item, Scope, scope_of


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
            if self.chance(2):
                return f"{left} l, person p WHERE p.id = l.person{further}", scope
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
        query, items = self.pick([self.rows, self.rows, self.union])()
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
        return " AND ".join(parts)

    def filtered(self, text: str, scope: Scope) -> str:
        """FROM and WHERE."""
        where = self.where(scope)
        commas = ", person p WHERE" in text and not text.startswith("(")
        word = "AND" if commas else "WHERE"
        return f"{text} {word} {where}" if where else text

    def rows(self) -> tuple[str, list[Item]]:
        """A query of rows as they are, and its outputs."""
        text, scope = self.source(depth=0)
        count = self.draw(st.integers(1, 3))
        values = [self.value(scope, self.pick([0, 1, 2])) for _ in range(count)]
        distinct = "DISTINCT " if self.chance(1) else ""
        return self.selected(distinct, values, self.filtered(text, scope))

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
            outputs = Scope(values)
            group += f" HAVING {self.condition(outputs, 1)}"
        return self.selected("", values, self.filtered(text, scope) + group)

    def union(self) -> tuple[str, list[Item]]:
        """A UNION ALL of columns of the same kinds."""
        kinds = self.draw(
            st.lists(st.sampled_from(["int", "dec", "date", "text"]), min_size=1, max_size=2)
        )
        texts, items = [], []
        for _ in range(self.pick([2, 2, 3])):
            text, scope = self.source(depth=0)
            values = [self.column(scope, kind) or Item("NULL", kind) for kind in kinds]
            one, items = self.selected("", values, self.filtered(text, scope))
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
