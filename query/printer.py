"""The canonical printer: syntax trees to SQL text.

Parsing the text again gives the same tree. The text depends on the tree alone, so that two parties
that hold the same statement, however it is laid out, print the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import syntax
from .print_expressions import ExpressionPrinter, dotted, identifier, names, string, type_name


def format_statement(statement: syntax.Statement) -> str:
    """The canonical text of a statement, on one line, without a semicolon."""
    match statement:
        case syntax.QueryStatement():
            return _query_statement(statement)
        case syntax.Explain():
            return f"EXPLAIN{_explain_options(statement)} {format_statement(statement.statement)}"
        case syntax.CreateTable():
            return _create_table(statement)
        case syntax.CreateSharedTable(name=name, query=query):
            replace = "OR REPLACE " if statement.replace else ""
            lenient = "IF NOT EXISTS " if statement.if_not_exists else ""
            head = f"CREATE {replace}SHARED TABLE {lenient}{identifier(name)}"
            return f"{head} AS {format_query(query)}"
        case syntax.CreateModel():
            options = _options(statement.options)
            head = f"CREATE MODEL {identifier(statement.name)}"
            using = f"USING {identifier(statement.algorithm)} {options}"
            return f"{head} {using} AS {_query_statement(statement.query)}"
        case syntax.Drop(what=what, name=name):
            lenient = "IF EXISTS " if statement.if_exists else ""
            return f"DROP {what.upper()} {lenient}{identifier(name)}"
        case syntax.Show(model=model):
            return "SHOW TABLES" if model is None else f"SHOW MODEL {identifier(model)}"
        case syntax.Describe(parts=parts):
            return f"DESCRIBE {dotted(parts)}"
        case syntax.Evaluate(model=model, query=query):
            on = "" if query is None else f" ON {format_query(query)}"
            return f"EVALUATE MODEL {identifier(model)}{on}"
        case syntax.Copy():
            return _copy(statement)
        case syntax.Attach(file=file, table=table):
            return f"ATTACH {string(file)} AS {identifier(table)}"
        case _:
            raise AssertionError(type(statement).__name__)


def format_expression(node: syntax.Expression) -> str:
    """The canonical text of an expression."""
    return _EXPRESSIONS.show(node)


def format_query(query: syntax.Query) -> str:
    """The canonical text of a query."""
    parts = []
    if query.common_tables:
        word = "WITH RECURSIVE" if query.recursive else "WITH"
        tables = ", ".join(_common_table(table) for table in query.common_tables)
        parts.append(f"{word} {tables}")
    parts.append(_body(query.body))
    if query.order_by:
        parts.append(_EXPRESSIONS.order_by(query.order_by))
    if query.limit is not None:
        parts.append(f"LIMIT {format_expression(query.limit)}")
    if query.offset is not None:
        parts.append(f"OFFSET {format_expression(query.offset)}")
    return " ".join(parts)


_EXPRESSIONS = ExpressionPrinter(format_query)


def _common_table(table: syntax.CommonTable) -> str:
    columns = f" ({names(table.columns)})" if table.columns else ""
    return f"{identifier(table.name)}{columns} AS ({format_query(table.query)})"


# Query bodies


def _body(body: syntax.Body) -> str:
    match body:
        case syntax.Select():
            return _select(body)
        case syntax.Values(rows=rows):
            return "VALUES " + ", ".join(f"({_EXPRESSIONS.list(row)})" for row in rows)
        case syntax.Query():
            return f"({format_query(body)})"
        case syntax.SetOperation():
            return _set_operation(body)


def _set_operation(node: syntax.SetOperation) -> str:
    """INTERSECT binds tighter than UNION and EXCEPT; all of them lean to the left."""
    operator = node.operator.upper() + (" ALL" if node.all else "")
    left, right = _body(node.left), _body(node.right)
    tight = node.operator == "intersect"
    if isinstance(node.left, syntax.SetOperation) and tight and node.left.operator != "intersect":
        left = f"({left})"
    if isinstance(node.right, syntax.SetOperation) and (
        tight or node.right.operator != "intersect"
    ):
        right = f"({right})"
    return f"{left} {operator} {right}"


def _select(select: syntax.Select) -> str:
    parts = ["SELECT"]
    if select.distinct:
        parts.append("DISTINCT")
    if select.distinct_on:
        parts.append(f"ON ({_EXPRESSIONS.list(select.distinct_on)})")
    parts.append(", ".join(_item(item) for item in select.items))
    if select.sources:
        parts.append("FROM " + ", ".join(_source(source) for source in select.sources))
    if select.where is not None:
        parts.append(f"WHERE {format_expression(select.where)}")
    if select.group_by is not None:
        parts.append(f"GROUP BY {_EXPRESSIONS.list(select.group_by) or 'ALL'}")
    if select.having is not None:
        parts.append(f"HAVING {format_expression(select.having)}")
    if select.windows:
        windows = ", ".join(
            f"{identifier(w.name)} AS {_EXPRESSIONS.window(w.window)}" for w in select.windows
        )
        parts.append(f"WINDOW {windows}")
    if select.qualify is not None:
        parts.append(f"QUALIFY {format_expression(select.qualify)}")
    return " ".join(parts)


def _item(item: syntax.Item) -> str:
    text = format_expression(item.expression)
    return text if item.alias is None else f"{text} AS {identifier(item.alias)}"


# FROM


def _source(item: syntax.FromItem) -> str:
    match item:
        case syntax.TableName(parts=parts, alias=alias):
            return dotted(parts) + _alias(alias)
        case syntax.Derived(query=query, alias=alias, lateral=lateral):
            return f"{'LATERAL ' if lateral else ''}({format_query(query)}){_alias(alias)}"
        case syntax.TableFunction(name=name, arguments=arguments, alias=alias):
            return f"{dotted(name.split('.'))}({_EXPRESSIONS.list(arguments)}){_alias(alias)}"
        case syntax.Join():
            return _join(item)
        case _:
            raise AssertionError(type(item).__name__)


def _alias(alias: syntax.Alias | None) -> str:
    if alias is None:
        return ""
    columns = f" ({names(alias.columns)})" if alias.columns else ""
    return f" AS {identifier(alias.name)}{columns}"


def _join(join: syntax.Join) -> str:
    kind = "" if join.kind == "inner" else f"{join.kind.upper()} "
    natural = "NATURAL " if join.natural else ""
    right = _source(join.right)
    right = f"({right})" if isinstance(join.right, syntax.Join) else right
    text = f"{_source(join.left)} {natural}{kind}JOIN {right}"
    if join.condition is not None:
        return f"{text} ON {format_expression(join.condition)}"
    return f"{text} USING ({names(join.using)})" if join.using else text


# Statements


def _explain_options(statement: syntax.Explain) -> str:
    kinds = [] if statement.kind == "plan" else [statement.kind.upper()]
    options = [
        f"ROWS {'' if option.table is None else identifier(option.table) + ' '}{option.rows}"
        for option in statement.rows
    ]
    if statement.network is not None:
        options.append(f"NETWORK {identifier(statement.network.name)}")
    if statement.alternatives:
        options.append("ALTERNATIVES")
    if not options:
        return "".join(f" {kind}" for kind in kinds)
    return f" ({', '.join(kinds + options)})"


def _query_statement(statement: syntax.QueryStatement) -> str:
    text = format_query(statement.query)
    if statement.recipients is not None:
        text += f" REVEAL TO {names(statement.recipients) or 'ALL'}"
    if statement.privacy is not None:
        text += f" WITH PRIVACY {_options(statement.privacy)}"
    return text


def _copy(statement: syntax.Copy) -> str:
    source = statement.source
    if isinstance(source, syntax.Query):
        shown = format_query(source)
        if statement.recipients is not None:
            shown += f" REVEAL TO {names(statement.recipients) or 'ALL'}"
        text = f"COPY ({shown}) TO {string(statement.file)}"
    else:
        text = f"COPY {identifier(source)} TO {string(statement.file)}"
    if not statement.options:
        return text
    inside = ", ".join(
        f"{identifier(o.name)} {format_expression(o.value)}" for o in statement.options
    )
    return f"{text} ({inside})"


def _options(options: Sequence[syntax.Option]) -> str:
    inside = ", ".join(f"{identifier(o.name)} = {format_expression(o.value)}" for o in options)
    return f"({inside})"


def _create_table(table: syntax.CreateTable) -> str:
    elements = ", ".join(
        _column(element)
        if isinstance(element, syntax.ColumnDeclaration)
        else _table_constraint(element)
        for element in table.elements
    )
    public = table.file is not None
    text = f"CREATE {'PUBLIC ' if public else ''}TABLE {identifier(table.name)} ({elements})"
    if table.file is not None:
        text += f" FROM {string(table.file)}"
    if table.owners:
        text += f" OWNED BY {names(table.owners)}"
    if table.rows is not None:
        text += f" ROWS {table.rows}"
    if table.revealing:
        text += f" REVEALING INTERSECTION ({names(table.revealing)})"
    return text


def _column(column: syntax.ColumnDeclaration) -> str:
    parts = [identifier(column.name), type_name(column.type)]
    parts += [_column_constraint(constraint) for constraint in column.constraints]
    return " ".join(parts)


def _column_constraint(constraint: syntax.ColumnConstraint) -> str:
    match constraint.kind:
        case "check":
            assert constraint.expression is not None
            return f"CHECK ({format_expression(constraint.expression)})"
        case "references":
            return f"REFERENCES {_target(constraint.table, constraint.columns)}"
        case kind:
            return _PLAIN_CONSTRAINTS[kind]


_PLAIN_CONSTRAINTS = {
    "not_null": "NOT NULL",
    "may_be_null": "NULL",
    "primary_key": "PRIMARY KEY",
    "unique": "UNIQUE",
}


def _table_constraint(constraint: syntax.TableConstraint) -> str:
    if constraint.expression is not None:
        return f"CHECK ({format_expression(constraint.expression)})"
    columns = f"({names(constraint.columns)})"
    if constraint.kind == "foreign_key":
        target = _target(constraint.table, constraint.referenced)
        return f"FOREIGN KEY {columns} REFERENCES {target}"
    return f"{_PLAIN_CONSTRAINTS[constraint.kind]} {columns}"


def _target(table: str | None, columns: Sequence[str]) -> str:
    assert table is not None
    return f"{identifier(table)} ({names(columns)})" if columns else identifier(table)
