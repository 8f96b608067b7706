"""Writes random SQL: a Hypothesis strategy over the tables of random_tables.py."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st
from random_expressions import TABLES, Item, Scope, scope_of
from random_sources import Sources


def outside_parentheses(text: str) -> str:
    """The text without what is in parentheses."""
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


class Queries(Sources):
    """Random queries."""

    def __init__(self, draw: Any) -> None:
        super().__init__(draw)
        self.shared: set[str] = set()

    def derived(self) -> tuple[str, Scope]:
        """A FROM clause with a derived table in it."""
        if self.chance(4):
            query, items = self.pick([self.rows, self.sets, self.windows])()
            return f"({query}) d", Scope([Item(f"d.{i.sql}", i.kind) for i in items])
        table = self.pick(["item", "note"])
        inner = self.aggregate(scope_of(x=table))
        text = f"(SELECT x.person AS k, {inner.sql} AS v FROM {table} x GROUP BY x.person) g"
        scope = scope_of(p="person")
        scope.items += [Item("g.k", "int"), Item("g.v", inner.kind)]
        join = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        return f"person p {join} {text} ON p.id = g.k", scope

    def where(self, scope: Scope) -> str:
        parts = [self.condition(scope, self.pick([1, 2]))] if self.chance(5) else []
        if scope.aliases and self.chance(3):
            parts.append(self.subquery(scope))
        return self.pick([" AND ", " AND ", " AND ", " OR "]).join(parts)  # type: ignore[no-any-return]

    def subquery(self, scope: Scope) -> str:
        """A condition with a subquery: EXISTS, IN or a value, correlated or not."""
        table = self.pick(["item", "note"])
        person = [i.sql for i in scope.items if i.sql in ("p.id", "l.person", "t.id", "t.person")]
        inner = self.condition(scope_of(x=table), 1)
        number = self.number(scope, 0)
        many = f"FROM {table} x WHERE {inner}"
        shapes = [
            f"{number.sql} {self.pick(['IN', 'NOT IN'])} (SELECT x.person {many})",
            f"{number.sql} {self.pick(['<', '=', '>='])} (SELECT {self.of_many(table)} {many})",
            f"{self.pick(['', 'NOT '])}EXISTS (SELECT 1 {many})",
        ]
        if person:
            linked = f"{many} AND x.person = {self.pick(person)}"
            also = self.condition(Scope(scope.items + scope_of(x=table).items), 0)
            compared = f"{number.sql} {self.pick(['<', '=', '>='])}"
            shapes += [
                f"{self.pick(['', 'NOT '])}EXISTS (SELECT * {linked})",
                f"{self.pick(['', 'NOT '])}EXISTS (SELECT * {linked} AND {also})",
                f"{compared} (SELECT {self.of_many(table)} {linked})",
                f"{number.sql} {self.pick(['IN', 'NOT IN'])} (SELECT x.person {linked})",
            ]
        return str(self.pick(shapes))

    def of_many(self, table: str) -> str:
        """An aggregate of numbers of a table x."""
        column = self.column(scope_of(x=table), "int", "dec")
        assert column is not None
        return str(
            self.pick(["sum({})", "max({})", "count({})", "avg({})", "0.5 * min({})"])
        ).format(column.sql)

    def filtered(self, text: str, scope: Scope) -> str:
        """FROM and WHERE."""
        where = self.where(scope)
        bare = outside_parentheses(text)  # a WHERE within a derived table is not this query's
        word = "AND" if ", " in bare and " WHERE p.id = " in bare else "WHERE"
        return f"{text} {word} ({where})" if where else text

    def rows(self) -> tuple[str, list[Item]]:
        """A query of rows as they are, and its outputs."""
        text, scope = self.source()
        count = self.between(1, 3)
        values = [self.value(scope, self.pick([0, 1, 2])) for _ in range(count)]
        if scope.aliases and self.chance(1):
            table = self.pick(["item", "note"])
            person = [i.sql for i in scope.items if i.sql in ("p.id", "l.person", "t.person")]
            link = f" WHERE x.person = {self.pick(person)}" if person and self.chance(6) else ""
            inner = f"(SELECT {self.of_many(table)} FROM {table} x{link})"
            values.append(Item(inner, "ratio"))
        distinct = "DISTINCT " if self.chance(1) else ""
        return self.selected(distinct, values, self.filtered(text, scope))

    def selected(self, distinct: str, values: list[Item], rest: str) -> tuple[str, list[Item]]:
        items = [Item(f"c{n}", value.kind) for n, value in enumerate(values)]
        listed = ", ".join(f"{v.sql} AS {i.sql}" for v, i in zip(values, items, strict=True))
        return f"SELECT {distinct}{listed} FROM {rest}", items

    def grouped(self) -> tuple[str, list[Item]]:
        """A query of groups, of grouping sets, or of all rows as one group."""
        text, scope = self.derived() if self.chance(3) else self.source()
        keys = []
        for _ in range(self.pick([0, 1, 1, 2])):
            shallow = self.pick(scope.items) if self.chance(8) else self.value(scope, 1)
            keys += [shallow] if shallow.kind != "ratio" and shallow not in keys else []
        values = [*keys, *(self.aggregate(scope) for _ in range(self.pick([1, 1, 2, 3])))]
        names = ", ".join(key.sql for key in keys)
        form = self.pick(["{}"] * 6 + ["ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"])
        group = f" GROUP BY {form.format(names)}" if keys else ""
        if self.chance(2) and form == "{}":
            group += f" HAVING {self.condition(Scope(values), 1)}"
        return self.selected("", values, self.filtered(text, scope) + group)

    def sets(self) -> tuple[str, list[Item]]:
        """Set operations over columns of the same kinds."""
        kinds = self.several(["int", "dec", "date", "text"], 2)
        words = ["UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"]
        whole, items = "", []
        for place in range(self.pick([2, 2, 3])):
            text, scope = self.source()
            values = [self.column(scope, kind) or Item("NULL", kind) for kind in kinds]
            one, items = self.selected("", values, self.filtered(text, scope))
            whole += f" {self.pick(words)} {one}" if place else one
        return whole, items

    def windows(self) -> tuple[str, list[Item]]:
        """Window functions; where ties would show, the order is by every column of the table.

        Rows may be the same in all of them. One of the functions may tell such rows apart: how it
        does and how another would are matters of chance.
        """
        name = self.pick(list(TABLES))
        text, scope = (f"{name} t", scope_of(t=name)) if self.chance(5) else self.by_foreign_key()
        values = [self.pick(scope.items) for _ in range(self.pick([1, 2]))]
        values += [self.window(scope, ties=not k) for k in range(self.pick([1, 1, 2]))]
        rest = self.filtered(text, scope)
        if self.chance(1):
            rest += f" QUALIFY {self.window(scope, ties=False).sql} <= 3"
        return self.selected("", values, rest)

    def window(self, scope: Scope, *, ties: bool) -> Item:
        """One call over a window; `ties`: whether it may tell rows apart that are the same."""
        some = [self.pick(scope.items).sql for _ in range(self.pick([1, 2]))]
        ends = [self.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]) for _ in some]
        peers = ", ".join(n + e for n, e in zip(some, ends, strict=True))
        total = ", ".join([peers, *(i.sql for i in scope.items if i.sql not in some)])
        by = f"PARTITION BY {self.pick(scope.items).sql} " if self.chance(6) else ""
        number = self.column(scope, "int", "dec") or Item("1", "int")
        column = self.pick(scope.items)
        frame = self.pick(["", " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                           " ROWS UNBOUNDED PRECEDING",
                           " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING"])  # fmt: skip
        calls = [
            (f"{self.pick(['rank', 'dense_rank'])}()", peers, "int"),
            (f"{self.pick(['percent_rank', 'cume_dist'])}()", peers, "ratio"),
            ("row_number()", total, "int"),
            (f"ntile({self.pick([1, 2, 3, 50])})", total, "int"),
            (f"{self.pick(['sum', 'count', 'min', 'max'])}({number.sql})", peers, number.kind),
            (
                f"{self.pick(['sum', 'count', 'min', 'max'])}({number.sql})",
                total + frame,
                number.kind,
            ),
            (f"avg({number.sql})", total + frame, "ratio"),
            (f"{self.pick(['lag', 'lead'])}({column.sql})", total, column.kind),
            (f"{self.pick(['lag', 'lead'])}({column.sql}, 2)", total, column.kind),
            (
                f"{self.pick(['first_value', 'last_value'])}({column.sql})",
                total + frame,
                column.kind,
            ),
        ]
        call, order, kind = self.pick([c for c in calls if ties or c[1] == peers])
        if call.startswith(("sum", "count", "min", "max")) and order == peers and self.chance(4):
            return Item(f"{call} OVER ({by.strip()})", kind)
        return Item(f"{call} OVER ({by}ORDER BY {order})", kind)

    def query(self) -> tuple[str, bool]:
        """A whole query, and whether its rows come in a total order."""
        shapes = [self.rows, self.rows, self.rows, self.grouped, self.grouped, self.grouped,
                  self.sets, self.windows]  # fmt: skip
        text, items = self.pick(shapes)()
        ordered = False
        if self.chance(3):
            names = [item.sql for item in items]
            ends = [self.pick(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]) for _ in names]
            text += f" ORDER BY {', '.join(n + e for n, e in zip(names, ends, strict=True))}"
            if self.chance(7):
                text += f" LIMIT {self.between(0, 6)}"
                text += f" OFFSET {self.between(0, 3)}" if self.chance(3) else ""
            ordered = all(item.kind != "ratio" for item in items)
        made = [
            f"CREATE SHARED TABLE s{name} AS SELECT * FROM {name}" for name in sorted(self.shared)
        ]
        return ";\n".join([*made, text]), ordered


@st.composite
def queries(draw: Any) -> tuple[str, bool]:
    """(SQL, whether the rows come in a total order)."""
    return Queries(draw).query()
