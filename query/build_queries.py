"""From lark's parse tree to syntax nodes: queries."""

from __future__ import annotations

from typing import Any, NamedTuple

from lark import Tree, v_args
from lark.tree import Meta

from . import syntax
from .build_expressions import ExpressionBuilder, names_of, span_of
from .errors import Span


class Part(NamedTuple):
    """A clause on its way to the node that it belongs to."""

    kind: str
    value: Any
    span: Span


def body_of(query: syntax.Query) -> syntax.Body:
    """A parenthesised query as a body: its own body if it has no clauses."""
    return query.body if query.is_plain else query


@v_args(meta=True)
class QueryBuilder(ExpressionBuilder):
    """Builds queries."""

    def parenthesised(self, _: Meta, children: list[Any]) -> syntax.Query:
        query: syntax.Query = children[0]
        return query

    def query(self, meta: Meta, children: list[Any]) -> syntax.Query:
        values: dict[str, Any] = {}
        for child in children:
            match child:
                case None:
                    pass
                case syntax.Query():
                    values["body"] = body_of(child)
                case Part(kind="tail", value=parts):
                    values |= parts
                case Part(kind="with", value=(recursive, tables)):
                    values |= {"recursive": recursive, "common_tables": tables}
                case _:
                    values["body"] = child
        return syntax.Query(span=span_of(meta), **values)

    def with_clause(self, meta: Meta, children: list[Any]) -> Part:
        recursive, *tables = children
        return Part("with", (recursive is not None, tuple(tables)), span_of(meta))

    def common_table(self, meta: Meta, children: list[Any]) -> syntax.CommonTable:
        name, columns, query = children
        return syntax.CommonTable(
            name=str(name), columns=columns or (), query=query, span=span_of(meta)
        )

    def tail(self, meta: Meta, children: list[Any]) -> Part:
        values: dict[str, Any] = {}
        for child in children:
            if isinstance(child, Part):
                values[child.kind] = child.value
            else:
                values["order_by"] = child
        return Part("tail", values, span_of(meta))

    def limit(self, meta: Meta, children: list[Any]) -> Part:
        return Part("limit", children[0], span_of(meta))

    def limit_all(self, meta: Meta, _: list[Any]) -> Part:
        return Part("limit", None, span_of(meta))

    def offset(self, meta: Meta, children: list[Any]) -> Part:
        return Part("offset", children[0], span_of(meta))

    def set_operation(self, meta: Meta, children: list[Any]) -> syntax.SetOperation:
        left, operator, right = children
        name = str(operator.data)
        return syntax.SetOperation(
            operator=name.removesuffix("_all"),
            all=name.endswith("_all"),
            left=body_of(left) if isinstance(left, syntax.Query) else left,
            right=body_of(right) if isinstance(right, syntax.Query) else right,
            operator_span=span_of(operator.meta),
            span=span_of(meta),
        )

    intersection = set_operation

    def values(self, meta: Meta, children: list[Any]) -> syntax.Values:
        return syntax.Values(rows=tuple(children), span=span_of(meta))

    def value_row(self, _: Meta, children: list[Any]) -> Any:
        return children[0]

    def select(self, meta: Meta, children: list[Any]) -> syntax.Select:
        quantifier, items, sources, where, group_by, having, windows, qualify = children
        distinct, distinct_on = quantifier or (False, ())
        return syntax.Select(
            items=items,
            distinct=distinct,
            distinct_on=distinct_on,
            sources=sources or (),
            where=where,
            group_by=group_by,
            having=having,
            windows=windows or (),
            qualify=qualify,
            span=span_of(meta),
        )

    def distinct(self, _: Meta, __: list[Any]) -> tuple[bool, tuple[Any, ...]]:
        return True, ()

    def all_rows(self, _: Meta, __: list[Any]) -> tuple[bool, tuple[Any, ...]]:
        return False, ()

    def distinct_on(self, _: Meta, children: list[Any]) -> tuple[bool, tuple[Any, ...]]:
        return True, children[0]

    def items(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def item(self, meta: Meta, children: list[Any]) -> syntax.Item:
        expression, *alias = children
        name = str(alias[0]) if alias else None
        return syntax.Item(expression=expression, alias=name, span=span_of(meta))

    def star(self, meta: Meta, children: list[Any]) -> syntax.Item:
        excluded = children[-1] if isinstance(children[-1], tuple) else ()
        span = span_of(meta)
        return syntax.Item(expression=syntax.Star(excluded=excluded, span=span), span=span)

    def table_star(self, meta: Meta, children: list[Any]) -> syntax.Item:
        excluded = children[-1] if isinstance(children[-1], tuple) else ()
        table = tuple(name for name in names_of(children) if name != "*")
        span = span_of(meta)
        star = syntax.Star(table=table, excluded=excluded, span=span)
        return syntax.Item(expression=star, span=span)

    def exclude(self, _: Meta, children: list[Any]) -> tuple[str, ...]:
        child = children[0]
        return child if isinstance(child, tuple) else (str(child),)

    def from_clause(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def where(self, _: Meta, children: list[Any]) -> Any:
        return children[0]

    having = qualify = where

    def group_by(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(
            syntax.GroupingSets(kind="grouping sets", items=(None,)) if child is None else child
            for child in children
        )

    def group_by_all(self, _: Meta, __: list[Any]) -> tuple[Any, ...]:
        return ()

    def rollup(self, meta: Meta, children: list[Any]) -> syntax.GroupingSets:
        return syntax.GroupingSets(kind="rollup", items=children[0], span=span_of(meta))

    def cube(self, meta: Meta, children: list[Any]) -> syntax.GroupingSets:
        return syntax.GroupingSets(kind="cube", items=children[0], span=span_of(meta))

    def grouping_sets(self, meta: Meta, children: list[Any]) -> syntax.GroupingSets:
        return syntax.GroupingSets(kind="grouping sets", items=tuple(children), span=span_of(meta))

    def empty_set(self, _: Meta, __: list[Any]) -> None:
        return None

    def windows(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def named_window(self, meta: Meta, children: list[Any]) -> syntax.NamedWindow:
        name, window = children
        return syntax.NamedWindow(name=str(name), window=window, span=span_of(meta))

    # FROM

    def alias(self, meta: Meta, children: list[Any]) -> syntax.Alias:
        name, columns = children
        return syntax.Alias(name=str(name), columns=columns or (), span=span_of(meta))

    def table(self, meta: Meta, children: list[Any]) -> syntax.TableName:
        parts, alias = children
        return syntax.TableName(parts=parts, alias=alias, span=span_of(meta))

    def derived(self, meta: Meta, children: list[Any]) -> syntax.Derived:
        query, alias = children
        return syntax.Derived(query=query, alias=alias, span=span_of(meta))

    def lateral(self, meta: Meta, children: list[Any]) -> syntax.Derived:
        query, alias = children
        return syntax.Derived(query=query, alias=alias, lateral=True, span=span_of(meta))

    def table_function(self, meta: Meta, children: list[Any]) -> syntax.TableFunction:
        parts, arguments, alias = children
        return syntax.TableFunction(
            name=".".join(parts), arguments=arguments or (), alias=alias, span=span_of(meta)
        )

    def join_on(self, meta: Meta, children: list[Any]) -> syntax.Join:
        left, kind, right, condition = children
        return _join(meta, left, kind, right, condition=condition)

    def join_using(self, meta: Meta, children: list[Any]) -> syntax.Join:
        left, kind, right, using = children
        return _join(meta, left, kind, right, using=using)

    def join_natural(self, meta: Meta, children: list[Any]) -> syntax.Join:
        left, kind, right = children
        return _join(meta, left, kind, right, natural=True)

    def join_cross(self, meta: Meta, children: list[Any]) -> syntax.Join:
        left, right = children
        return syntax.Join(
            kind="cross",
            left=left,
            right=right,
            kind_span=_between(left, right),
            span=span_of(meta),
        )

    def names(self, _: Meta, children: list[Any]) -> tuple[str, ...]:
        return names_of(children)


def _between(left: syntax.FromItem, right: syntax.FromItem) -> Span:
    """The words between two FROM items."""
    return Span(left.span.stop + 1, max(left.span.stop + 2, right.span.start - 1))


def _join(
    meta: Meta,
    left: syntax.FromItem,
    kind: Tree[Any],
    right: syntax.FromItem,
    *,
    condition: syntax.Expression | None = None,
    using: tuple[str, ...] = (),
    natural: bool = False,
) -> syntax.Join:
    return syntax.Join(
        kind=str(kind.data),
        left=left,
        right=right,
        condition=condition,
        using=using,
        natural=natural,
        kind_span=_between(left, right) if natural or kind.meta.empty else span_of(kind.meta),
        span=span_of(meta),
    )
