"""sources.sql: which file of a party stands behind which table of the catalog.

    ATTACH 'data/visits.parquet' AS visits;
    ATTACH 'hospital.duckdb' AS wards (TABLE 'ward_list');

The statements look like SQL, but they are read by this small parser and never run: a party's
configuration can name files, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..query.errors import ConfigurationError

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<word>[A-Za-z_][A-Za-z_0-9]*)
      | (?P<sign>[;()])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One ATTACH statement. `inner_table`: the table within a database file."""

    table: str
    file: str
    inner_table: str | None
    line: int


def parse_sources(text: str, path: Path) -> tuple[Attachment, ...]:
    """All ATTACH statements of a sources file; ConfigurationError with `path` and line."""
    reader = _Reader(text, path)
    attachments: list[Attachment] = []
    while reader.kind != "end":
        attachment = _attachment(reader)
        if any(attachment.table == other.table for other in attachments):
            raise reader.error(f"table {attachment.table} is attached twice", attachment.line)
        attachments.append(attachment)
    return tuple(attachments)


def _attachment(reader: _Reader) -> Attachment:
    """ATTACH 'file' AS name [(TABLE 'inner')] ;"""
    line = reader.line
    reader.keyword("attach", "a statement of the form ATTACH 'file' AS table;")
    file = reader.string("the name of a file in single quotes")
    reader.keyword("as", "AS and the name of a table")
    table = reader.name("the name of a table")
    inner = None
    if reader.accept("("):
        reader.keyword("table", "TABLE 'name'")
        inner = reader.string("the name of a table in single quotes")
        reader.sign(")")
    reader.sign(";")
    return Attachment(table=table, file=file, inner_table=inner, line=line)


class _Reader:
    """Steps through the tokens; `kind`, `value` and `line` describe the current one."""

    def __init__(self, text: str, path: Path) -> None:
        self._text = text
        self._path = path
        self._position = 0
        self.kind = "end"
        self.value = ""
        self.line = 1
        self._step()

    def error(self, message: str, line: int | None = None) -> ConfigurationError:
        return ConfigurationError(f"{self._path}, line {line or self.line}: {message}")

    def keyword(self, word: str, expected: str) -> None:
        if self.kind != "word" or self.value.lower() != word:
            raise self._unexpected(expected)
        self._step()

    def string(self, expected: str) -> str:
        if self.kind != "text":
            raise self._unexpected(expected)
        return self._take()[1:-1].replace("''", "'")

    def name(self, expected: str) -> str:
        """An identifier in lower case, as the catalog's names are."""
        if self.kind == "quoted":
            return self._take()[1:-1].replace('""', '"').lower()
        if self.kind != "word":
            raise self._unexpected(expected)
        return self._take().lower()

    def accept(self, sign: str) -> bool:
        found = self.kind == "sign" and self.value == sign
        if found:
            self._step()
        return found

    def sign(self, sign: str) -> None:
        if not self.accept(sign):
            raise self._unexpected(f"'{sign}'")

    def _unexpected(self, expected: str) -> ConfigurationError:
        found = "the end of the file" if self.kind == "end" else self.value
        return self.error(f"expected {expected}, found {found}")

    def _take(self) -> str:
        value = self.value
        self._step()
        return value

    def _step(self) -> None:
        while self._position < len(self._text):
            match = TOKEN.match(self._text, self._position)
            self.line = self._text.count("\n", 0, self._position) + 1
            if match is None:
                raise self.error(f"unexpected character {self._text[self._position]!r}")
            self._position = match.end()
            if match.lastgroup != "space":
                self.kind, self.value = match.lastgroup or "", match.group()
                return
        self.kind, self.value = "end", ""
        self.line = self._text.count("\n") + 1
