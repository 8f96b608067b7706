"""Writes random FROM clauses: joins of every kind over the tables of random_tables.py."""

from __future__ import annotations

from random_expressions import TABLES, Expressions, Item, Scope, scope_of

INNER_AND_OUTER = ["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
SHARED = ("person", "item", "note")
"""Tables that may also be read as the shared table of the same name with an s before it."""


class Sources(Expressions):
    """Random FROM clauses; `source` gives the text and what it offers."""

    shared: set[str]

    def table(self, name: str) -> str:
        """A table, at times its copy that stays as shares, or one owner's part."""
        if name in SHARED and self.chance(1):
            self.shared.add(name)
            return f"s{name}"
        if name == "item" and self.chance(1):
            return str(self.pick(["alice.item", "bob.item"]))
        return name

    def source(self) -> tuple[str, Scope]:
        shapes = [self.alone, self.by_foreign_key, self.by_foreign_key, self.from_the_key,
                  self.many_to_many, self.composite, self.three, self.by_region, self.crossed,
                  self.itself, self.merged]  # fmt: skip
        return self.pick(shapes)()  # type: ignore[no-any-return]

    def alone(self) -> tuple[str, Scope]:
        name = self.pick([*TABLES, "item", "item"])
        return f"{self.table(name)} t", scope_of(t=name)

    def further(self, scope: Scope) -> str:
        """A condition behind the equality of a join."""
        return f" AND {self.condition(scope, 1)}" if self.chance(2) else ""

    def by_foreign_key(self) -> tuple[str, Scope]:
        left = self.pick(["item", "note"])
        scope = scope_of(l=left, p="person")
        first, second = f"{self.table(left)} l", f"{self.table('person')} p"
        if self.chance(2):
            return f"{first}, {second} WHERE p.id = l.person{self.further(scope)}", scope
        join = self.pick(INNER_AND_OUTER)
        return f"{first} {join} {second} ON l.person = p.id{self.further(scope)}", scope

    def from_the_key(self) -> tuple[str, Scope]:
        other = self.pick(["item", "note"])
        scope = scope_of(p="person", r=other)
        on = f"p.id = r.person{self.further(scope if self.chance(5) else scope_of(r=other))}"
        join = self.pick(INNER_AND_OUTER)
        return f"{self.table('person')} p {join} {self.table(other)} r ON {on}", scope

    def many_to_many(self) -> tuple[str, Scope]:
        scope = scope_of(l="item", n="note")
        join = self.pick(INNER_AND_OUTER)
        on = f"l.person = n.person{self.further(scope)}"
        return f"{self.table('item')} l {join} {self.table('note')} n ON {on}", scope

    def composite(self) -> tuple[str, Scope]:
        scope = scope_of(l="item", s="stock")
        on = f"l.kind = s.kind AND l.qty = s.shop{self.further(scope)}"
        return f"item l {self.pick(INNER_AND_OUTER)} stock s ON {on}", scope

    def three(self) -> tuple[str, Scope]:
        first, second = self.pick(INNER_AND_OUTER), self.pick(INNER_AND_OUTER)
        on = self.pick(["s.kind = l.kind AND s.shop = p.age", "s.kind = l.kind"])
        text = f"item l {first} person p ON l.person = p.id {second} stock s ON {on}"
        return text, scope_of(l="item", p="person", s="stock")

    def by_region(self) -> tuple[str, Scope]:
        other = self.pick(["city", "zone"])
        on = "p.region = c.region"
        text = f"person p {self.pick(INNER_AND_OUTER)} {other} c ON {on}"
        return text, scope_of(p="person", c=other)

    def crossed(self) -> tuple[str, Scope]:
        other = self.pick(["city", "stock", "zone"])
        scope = scope_of(l="note", c=other)
        if self.chance(5):
            return f"note l, {other} c", scope
        join = self.pick(INNER_AND_OUTER)
        return f"note l {join} {other} c ON {self.condition(scope, 1)}", scope

    def itself(self) -> tuple[str, Scope]:
        scope = scope_of(a="item", b="item")
        on = self.pick(["a.person = b.person", "a.kind = b.kind AND a.qty < b.qty"])
        return f"{self.table('item')} a {self.pick(INNER_AND_OUTER)} item b ON {on}", scope

    def merged(self) -> tuple[str, Scope]:
        """USING or NATURAL: the merged column stands for both sides'."""
        scope = scope_of(l="item", n="note")
        scope.items = [i for i in scope.items if not i.sql.endswith(".person")]
        scope.items.append(Item("person", "int"))
        scope.aliases = {}
        join = self.pick(INNER_AND_OUTER)
        if self.chance(3):
            return f"item l NATURAL {join} note n", scope
        return f"item l {join} note n USING (person)", scope
