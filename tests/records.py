"""Reads the records of tests/sql: a file is a script of statements and of questions to it.

Records are apart by an empty line; a line that begins with # is a remark. Their first line is
`query` (its rows come in any order), `query ordered`, `statement ok` (stands in front of all that
follows in the file), or `error TEXT` (refused at planning by a message that holds the text).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

RECORDS = Path(__file__).parent / "sql"

Kind = Literal["query", "statement", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`number` is its place in the file; `sql` is the text of the record alone, `script` has the
    statements before it in front."""

    name: str
    file: str
    number: int
    kind: Kind
    remark: str
    sql: str
    script: str


def read_records() -> tuple[Record, ...]:
    """Every record of every file, in order."""
    return tuple(r for path in sorted(RECORDS.glob("*.slt")) for r in _records_of(path))


def _records_of(path: Path) -> Iterator[Record]:
    before: list[str] = []
    for number, block in enumerate(path.read_text(encoding="utf-8").split("\n\n")):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        kind, _, remark = lines[0].partition(" ")
        assert kind in ("query", "statement", "error"), f"{path.name}: {lines[0]}"
        sql = "\n".join(lines[1:]).strip().rstrip(";")
        yield Record(
            name=f"{path.stem}-{number}",
            file=path.stem,
            number=number,
            kind=cast(Kind, kind),
            remark=remark,
            sql=sql,
            script=";\n".join([*before, sql]),
        )
        if kind == "statement":
            before.append(sql)
