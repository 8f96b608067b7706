"""The options of EXPLAIN (...): which words there are, and what goes together."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from . import syntax
from .catalog import MAX_ROWS
from .errors import Span, SqlSyntaxError

_OPTIONS = "ROWS, NETWORK, ALTERNATIVES, PRIVACY and ANALYZE"
_WRONG_WITH_ANALYZE = "ANALYZE runs the query, over the tables and the network that there are"


def explained(
    statement: syntax.Statement,
    options: Sequence[syntax.ExplainOption],
    *,
    span: Span,
    text: str,
    source: str,
) -> syntax.Explain:
    """EXPLAIN with its options. Errors: SqlSyntaxError for what is unknown, doubled or at odds."""
    kind, network, alternatives = "plan", None, False
    rows: list[syntax.SupposedRows] = []
    seen: set[tuple[str, str]] = set()
    for option in options:
        name = option.name.upper()
        once = (name, (option.word or "").lower() if name == "ROWS" else "")
        if once in seen:
            raise _wrong(option, source, f"{name} is written twice")
        seen.add(once)
        match name:
            case "ROWS":
                rows.append(_rows(option, source))
            case "NETWORK":
                network = _network(option, source)
            case "PRIVACY" | "ANALYZE" | "ALTERNATIVES" if option.word or option.number:
                raise _wrong(option, source, f"{name} takes no value")
            case "PRIVACY" | "ANALYZE" if kind != "plan":
                raise _wrong(option, source, "PRIVACY and ANALYZE are two questions; ask one")
            case "PRIVACY" | "ANALYZE":
                kind = name.lower()
            case "ALTERNATIVES":
                alternatives = True
            case _:
                raise _wrong(option, source, f"EXPLAIN has no option {name}", f"it has {_OPTIONS}")
    if kind == "analyze" and len(options) > 1:
        other = next(option for option in options if option.name.upper() != "ANALYZE")
        hint = f"leave out {other.name.upper()} or ANALYZE"
        raise _wrong(other, source, _WRONG_WITH_ANALYZE, hint)
    if kind == "privacy" and alternatives:
        other = next(option for option in options if option.name.upper() == "ALTERNATIVES")
        raise _wrong(other, source, "PRIVACY tells nothing of prices", "leave out ALTERNATIVES")
    return syntax.Explain(
        kind=kind,
        statement=statement,
        rows=tuple(rows),
        network=network,
        alternatives=alternatives,
        span=span,
        text=text,
    )


def _rows(option: syntax.ExplainOption, source: str) -> syntax.SupposedRows:
    count = Decimal(option.number) if option.number is not None else None
    if count is None or count != count.to_integral_value() or not 1 <= count <= MAX_ROWS:
        message = f"ROWS takes a whole number from 1 to {MAX_ROWS}"
        raise _wrong(option, source, message, "write ROWS 1e6, or ROWS table 1e6")
    return syntax.SupposedRows(table=option.word, rows=int(count), span=option.span)


def _network(option: syntax.ExplainOption, source: str) -> syntax.NamedNetwork:
    if option.word is None or option.number is not None:
        raise _wrong(option, source, "NETWORK takes a name", "write NETWORK wan")
    return syntax.NamedNetwork(name=option.word, span=option.span)


def _wrong(
    option: syntax.ExplainOption, source: str, message: str, hint: str | None = None
) -> SqlSyntaxError:
    return SqlSyntaxError(message, text=source, span=option.span, hint=hint)
