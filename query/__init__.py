"""Stage one: SQL text to bound queries, and catalog.sql to the catalog.

parse(text)             -> statements, with places
bind(statement, ...)    -> a bound statement: every name resolved, every expression typed
load_catalog(text, ...) -> the catalog
format_statement(s)     -> canonical SQL of a statement
"""

from __future__ import annotations

from .bind import bind
from .ddl import load_catalog
from .parser import parse
from .printer import format_statement

__all__ = ["bind", "format_statement", "load_catalog", "parse"]
