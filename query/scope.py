"""Which names a place in a query sees, and what they mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from . import syntax
from .datatypes import Column
from .errors import BindError, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A FROM item under its name. `owner` is set for one owner's part of a table."""

    name: str
    columns: tuple[Column, ...]
    owner: str | None = None

    def answers_to(self, qualifier: Sequence[str]) -> bool:
        """Whether `t` or `owner.t` in front of a column means this source."""
        if not qualifier:
            return True
        if qualifier[-1].lower() != self.name.lower():
            return False
        owner = self.owner.lower() if self.owner else None
        return len(qualifier) == 1 or (len(qualifier) == 2 and qualifier[0].lower() == owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A common table expression, and those that its own text sees."""

    table: syntax.CommonTable
    visible: Definitions


Definitions = Mapping[str, Definition]
"""Common table expressions by lower-case name."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """The sources of one SELECT, and the scope of the query around it.

    `definitions`: the common table expressions in sight.
    USING and NATURAL merge columns: a bare name and `*` see what `standing_in` gives at the place
    of the left side's column (by its id), and do not see the places in `hidden`.
    """

    sources: list[Source] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    standing_in: dict[int, Column] = field(default_factory=dict)
    definitions: Definitions = field(default_factory=dict)
    outer: Scope | None = None

    def add(self, source: Source, span: Span | None) -> None:
        """Adds a source. BindError if its name is taken."""
        for other in self.sources:
            if other.name.lower() == source.name.lower() and other.owner == source.owner:
                raise BindError(
                    f"the name {source.name} stands twice in FROM",
                    span=span,
                    hint=f"give one an alias of its own: {source.name} AS other",
                )
        self.sources.append(source)

    def of_nullable_columns(self) -> Scope:
        """The same names, where every column may be NULL."""

        def nullable(column: Column) -> Column:
            return dataclasses.replace(column, nullable=True)

        sources = [
            dataclasses.replace(source, columns=tuple(map(nullable, source.columns)))
            for source in self.sources
        ]
        standing_in = {place: nullable(column) for place, column in self.standing_in.items()}
        return dataclasses.replace(self, sources=sources, standing_in=standing_in)

    def find(self, parts: Sequence[str], span: Span | None) -> Column | None:
        """The column of a possibly qualified name in this scope or an outer one.

        None if there is none. BindError if several fit.
        """
        *qualifier, name = parts
        found = [
            (source, column if qualifier else self.standing_in.get(column.id, column))
            for source in self.sources
            if source.answers_to(qualifier)
            for column in first_of_each_name(source.columns)
            if column.name.lower() == name.lower() and (qualifier or column.id not in self.hidden)
        ]
        if len(found) > 1:
            choices = " or ".join(f"{qualified(source)}.{column.name}" for source, column in found)
            raise BindError(f"the name {name} is ambiguous", span=span, hint=f"write {choices}")
        if found:
            return found[0][1]
        return None if self.outer is None else self.outer.find(parts, span)

    def visible(self) -> list[Column]:
        """What `*` stands for."""
        return [self.standing_in.get(place, column) for place, column in self.places()]

    def places(self) -> list[tuple[int, Column]]:
        """The columns that stand at a place of their own, by the id of that place."""
        return [
            (column.id, column)
            for source in self.sources
            for column in source.columns
            if column.id not in self.hidden
        ]

    def place_of(self, column: Column) -> int:
        """The place where `*` shows a column that it shows."""
        return next(
            place
            for place, own in self.places()
            if self.standing_in.get(place, own).id == column.id
        )

    def update(self, columns: Iterable[Column]) -> None:
        """Takes over what a join has changed about columns (that they may be NULL)."""
        known = {column.id: column for column in columns}
        self.sources = [
            dataclasses.replace(source, columns=tuple(known.get(c.id, c) for c in source.columns))
            for source in self.sources
        ]
        self.standing_in = {place: known.get(c.id, c) for place, c in self.standing_in.items()}

    def chain(self) -> Iterable[Scope]:
        """This scope and those around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def unknown(self, parts: Sequence[str], span: Span | None, extra: Sequence[str]) -> BindError:
        """The error for a name that nothing answers to, with a suggestion.

        extra: further names that would do at this place (aliases of the select list).
        """
        *qualifier, name = parts
        every = [source for scope in self.chain() for source in scope.sources]
        if qualifier and not any(source.answers_to(qualifier) for source in every):
            table = ".".join(qualifier)
            hint = suggestion(table, [qualified(source) for source in every])
            return BindError(f"there is no table {table} in FROM", span=span, hint=hint)
        sources = [source for source in every if source.answers_to(qualifier)]
        names = [column.name for source in sources for column in source.columns]
        where = f" in {'.'.join(qualifier)}" if qualifier else ""
        if not every and not extra:
            hint = "this query has no FROM"
        else:
            hint = suggestion(name, [*names, *extra])
        return BindError(f"there is no column {name}{where}", span=span, hint=hint)


def qualified(source: Source) -> str:
    """The name that tells a source from all others."""
    return f"{source.owner}.{source.name}" if source.owner else source.name


def suggestion(name: str, candidates: Iterable[str]) -> str | None:
    """ "did you mean ...?", or the list of a few candidates, or None."""
    names = sorted(set(candidates))
    lower = {candidate.lower(): candidate for candidate in names}
    close = get_close_matches(name.lower(), lower, n=1)
    if close:
        return f"did you mean {lower[close[0]]}?"
    if 0 < len(names) <= 12:
        return "there is " + ", ".join(names) if len(names) == 1 else "known: " + ", ".join(names)
    return None


def first_of_each_name(columns: Iterable[Column]) -> list[Column]:
    """The columns without later ones of the same name."""
    seen: set[str] = set()
    result = []
    for column in columns:
        if column.name.lower() not in seen:
            seen.add(column.name.lower())
            result.append(column)
    return result


def unique_names(names: Iterable[str]) -> list[str]:
    """The names with _1, _2, ... behind repeated ones, as a derived table shows them."""
    seen: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 0
        while candidate.lower() in seen:
            number += 1
            candidate = f"{name}_{number}"
        seen.add(candidate.lower())
        result.append(candidate)
    return result
