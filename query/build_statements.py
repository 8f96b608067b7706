"""From lark's parse tree to syntax nodes: statements and the declarations of the catalog."""

from __future__ import annotations

from typing import Any

from lark import Token, v_args
from lark.tree import Meta

from . import syntax
from .build_expressions import span_of
from .build_queries import Part, QueryBuilder
from .errors import Span, SqlSyntaxError
from .explain_options import explained


@v_args(meta=True)
class StatementBuilder(QueryBuilder):
    """Builds statements; `text` is the whole script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text

    def script(self, _: Meta, children: list[Any]) -> tuple[syntax.Statement, ...]:
        return tuple(child for child in children if child is not None)

    def _place(self, meta: Meta) -> dict[str, Any]:
        span = span_of(meta)
        return {"span": span, "text": self.source[span.start : span.stop]}

    def query_statement(self, meta: Meta, children: list[Any]) -> syntax.QueryStatement:
        query, *deliveries = children
        if isinstance(query.body, syntax.Query) and query.is_plain:
            query = query.body
        values: dict[str, Any] = {}
        for part in deliveries:
            if part.kind in values:
                message = f"{'REVEAL TO' if part.kind == 'recipients' else 'WITH PRIVACY'} twice"
                raise SqlSyntaxError(message, text=self.source, span=part.span)
            values[part.kind] = part.value
            values["delivery_span"] = part.span
        return syntax.QueryStatement(query=query, **values, **self._place(meta))

    def reveal_to(self, meta: Meta, children: list[Any]) -> Part:
        return Part("recipients", children[0], span_of(meta))

    def reveal_all(self, meta: Meta, _: list[Any]) -> Part:
        return Part("recipients", (), span_of(meta))

    def with_privacy(self, meta: Meta, children: list[Any]) -> Part:
        return Part("privacy", children[0], span_of(meta))

    def options(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def option(self, meta: Meta, children: list[Any]) -> syntax.Option:
        name, value = children
        return syntax.Option(name=str(name), value=value, span=span_of(meta))

    def explain(self, meta: Meta, children: list[Any]) -> syntax.Explain:
        return syntax.Explain(kind="plan", statement=children[0], **self._place(meta))

    def explain_privacy(self, meta: Meta, children: list[Any]) -> syntax.Explain:
        return syntax.Explain(kind="privacy", statement=children[0], **self._place(meta))

    def explain_analyze(self, meta: Meta, children: list[Any]) -> syntax.Explain:
        return syntax.Explain(kind="analyze", statement=children[0], **self._place(meta))

    def explain_with(self, meta: Meta, children: list[Any]) -> syntax.Explain:
        *options, statement = children
        return explained(statement, options, source=self.source, **self._place(meta))

    def explain_option(self, meta: Meta, children: list[Any]) -> syntax.ExplainOption:
        name, word, number = children
        return syntax.ExplainOption(
            name=str(name),
            word=None if word is None else str(word),
            number=None if number is None else str(number),
            span=span_of(meta),
        )

    def create_table(self, meta: Meta, children: list[Any]) -> syntax.CreateTable:
        name, elements, owners, rows, revealing = children
        return syntax.CreateTable(
            name=str(name),
            elements=elements,
            owners=owners or (),
            rows=self._rows(rows),
            revealing=revealing or (),
            **self._place(meta),
        )

    def create_public(self, meta: Meta, children: list[Any]) -> syntax.CreateTable:
        name, elements, file, rows = children
        return syntax.CreateTable(
            name=str(name),
            elements=elements,
            file=str(file),
            rows=self._rows(rows),
            **self._place(meta),
        )

    def _rows(self, token: Token | None) -> int | None:
        if token is None:
            return None
        if not token.isdigit():
            span = Span(token.start_pos or 0, token.end_pos or 0)
            raise SqlSyntaxError("ROWS takes a whole number", text=self.source, span=span)
        return int(token)

    def table_elements(self, _: Meta, children: list[Any]) -> tuple[Any, ...]:
        return tuple(children)

    def column_definition(self, meta: Meta, children: list[Any]) -> syntax.ColumnDeclaration:
        name, type_, *constraints = children
        return syntax.ColumnDeclaration(
            name=str(name), type=type_, constraints=tuple(constraints), span=span_of(meta)
        )

    def or_replace(self, _: Meta, __: list[Any]) -> bool:
        return True

    def if_not_exists(self, _: Meta, __: list[Any]) -> bool:
        return True

    def if_exists(self, _: Meta, __: list[Any]) -> bool:
        return True

    def create_shared(self, meta: Meta, children: list[Any]) -> syntax.CreateSharedTable:
        replace, if_not_exists, name, query = children
        if isinstance(query.body, syntax.Query) and query.is_plain:
            query = query.body
        if replace and if_not_exists:
            message = "OR REPLACE and IF NOT EXISTS contradict each other"
            raise SqlSyntaxError(message, text=self.source, span=span_of(meta))
        return syntax.CreateSharedTable(
            name=str(name),
            query=query,
            replace=bool(replace),
            if_not_exists=bool(if_not_exists),
            **self._place(meta),
        )

    def create_model(self, meta: Meta, children: list[Any]) -> syntax.CreateModel:
        name, algorithm, options, query = children
        return syntax.CreateModel(
            name=str(name),
            algorithm=str(algorithm),
            options=options,
            query=query,
            **self._place(meta),
        )

    def drop_table(self, meta: Meta, children: list[Any]) -> syntax.Drop:
        if_exists, name = children
        return syntax.Drop(
            what="table", name=str(name), if_exists=bool(if_exists), **self._place(meta)
        )

    def drop_model(self, meta: Meta, children: list[Any]) -> syntax.Drop:
        return syntax.Drop(what="model", name=str(children[0]), **self._place(meta))

    def show_tables(self, meta: Meta, _: list[Any]) -> syntax.Show:
        return syntax.Show(model=None, **self._place(meta))

    def show_model(self, meta: Meta, children: list[Any]) -> syntax.Show:
        return syntax.Show(model=str(children[0]), **self._place(meta))

    def describe(self, meta: Meta, children: list[Any]) -> syntax.Describe:
        return syntax.Describe(parts=children[0], **self._place(meta))

    def evaluate(self, meta: Meta, children: list[Any]) -> syntax.Evaluate:
        model, query = children
        return syntax.Evaluate(model=str(model), query=query, **self._place(meta))

    def copy_query(self, meta: Meta, children: list[Any]) -> syntax.Copy:
        query, file, options = children
        return syntax.Copy(source=query, file=str(file), options=options or (), **self._place(meta))

    def copy_revealed(self, meta: Meta, children: list[Any]) -> syntax.Copy:
        query, delivery, file, options = children
        return syntax.Copy(
            source=query,
            file=str(file),
            recipients=delivery.value,
            options=options or (),
            **self._place(meta),
        )

    def copy_table(self, meta: Meta, children: list[Any]) -> syntax.Copy:
        table, file, options = children
        return syntax.Copy(
            source=str(table), file=str(file), options=options or (), **self._place(meta)
        )

    def copy_options(self, _: Meta, children: list[Any]) -> tuple[syntax.Option, ...]:
        return tuple(child for child in children if child is not None)

    def copy_option(self, meta: Meta, children: list[Any]) -> syntax.Option:
        """An option without a value is switched on."""
        name, value = children
        value = value or syntax.Boolean(value=True, span=span_of(meta))
        return syntax.Option(name=str(name), value=value, span=span_of(meta))

    def copy_word(self, meta: Meta, children: list[Any]) -> syntax.Text:
        return syntax.Text(value=str(children[0]), span=span_of(meta))

    def copy_text(self, meta: Meta, children: list[Any]) -> syntax.Text:
        return syntax.Text(value=str(children[0]), span=span_of(meta))

    def copy_number(self, meta: Meta, children: list[Any]) -> syntax.Number:
        return syntax.Number(text=str(children[0]), span=span_of(meta))

    def attach(self, meta: Meta, children: list[Any]) -> syntax.Attach:
        file, table = children
        return syntax.Attach(file=str(file), table=str(table), **self._place(meta))

    # Constraints of the catalog

    def not_null(self, meta: Meta, _: list[Any]) -> syntax.ColumnConstraint:
        return syntax.ColumnConstraint(kind="not_null", span=span_of(meta))

    def may_be_null(self, meta: Meta, _: list[Any]) -> syntax.ColumnConstraint:
        return syntax.ColumnConstraint(kind="may_be_null", span=span_of(meta))

    def primary_key(self, meta: Meta, _: list[Any]) -> syntax.ColumnConstraint:
        return syntax.ColumnConstraint(kind="primary_key", span=span_of(meta))

    def unique(self, meta: Meta, _: list[Any]) -> syntax.ColumnConstraint:
        return syntax.ColumnConstraint(kind="unique", span=span_of(meta))

    def check(self, meta: Meta, children: list[Any]) -> syntax.ColumnConstraint:
        return syntax.ColumnConstraint(kind="check", expression=children[0], span=span_of(meta))

    def references(self, meta: Meta, children: list[Any]) -> syntax.ColumnConstraint:
        table, columns = children
        return syntax.ColumnConstraint(
            kind="references", table=str(table), columns=columns or (), span=span_of(meta)
        )

    def table_primary_key(self, meta: Meta, children: list[Any]) -> syntax.TableConstraint:
        return syntax.TableConstraint(kind="primary_key", columns=children[0], span=span_of(meta))

    def table_unique(self, meta: Meta, children: list[Any]) -> syntax.TableConstraint:
        return syntax.TableConstraint(kind="unique", columns=children[0], span=span_of(meta))

    def table_check(self, meta: Meta, children: list[Any]) -> syntax.TableConstraint:
        return syntax.TableConstraint(kind="check", expression=children[0], span=span_of(meta))

    def foreign_key(self, meta: Meta, children: list[Any]) -> syntax.TableConstraint:
        columns, table, referenced = children
        return syntax.TableConstraint(
            kind="foreign_key",
            columns=columns,
            table=str(table),
            referenced=referenced or (),
            span=span_of(meta),
        )
