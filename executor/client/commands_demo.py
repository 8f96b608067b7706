"""`tacit demo`: the example federation as real processes, its questions, and who learnt what.

Every .sql file beside the example's catalog is one question: its leading comment lines say it in
words. A comment `-- asked by NAME` names the party that asks; otherwise the first party does.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..party.federation import CATALOG_FILE
from .amounts import in_seconds
from .embedded import Federation, open_local
from .opening import example_directory
from .render import text_table
from .watching import ProgressLine, ask, statistics_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One file of the example: the question in words, the party that asks, and the SQL."""

    words: str
    asker: str | None
    sql: str


def add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `demo`."""
    parser = commands.add_parser("demo", help="run the example federation on this machine")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Starts the parties, asks every question of the example, and stops the parties."""
    directory = example_directory()
    questions = [
        read_question(path) for path in sorted(directory.glob("*.sql")) if path.name != CATALOG_FILE
    ]
    started = time.monotonic()
    print("Starting the parties ...", file=sys.stderr)
    with open_local(directory) as federation:
        names = ", ".join(federation.parties)
        waited = in_seconds(time.monotonic() - started)
        print(
            f"{len(federation.parties)} parties run as processes of their own ({names}), "
            f"with mutual TLS between them; started in {waited}."
        )
        for number, question in enumerate(questions, 1):
            print(f"\n== Question {number} of {len(questions)}\n")
            _answer(federation, question)
    print("\nNobody learnt anything else; EXPLAIN PRIVACY tells the whole of it, line by line.")
    return 0


def read_question(path: Path) -> Question:
    """Parts a file into its leading comment lines and its SQL."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = []
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        comments.append(lines.pop(0).removeprefix("--").strip())
    asker = None
    words = []
    for comment in comments:
        named = re.match(r"asked by (\w+)\.?\Z", comment, re.IGNORECASE)
        asker = named.group(1) if named else asker
        words += [] if named else [comment]
    return Question(words="\n".join(words).strip(), asker=asker, sql="\n".join(lines).strip())


def condensed(privacy: str) -> str:
    """One line per party of an EXPLAIN PRIVACY: what it shared, and what it received or learnt."""
    lines = []
    for section in privacy.strip().split("\n\n")[1:]:
        party, *facts = section.splitlines()
        told = [
            re.split(r";|, and so|, not even", fact.removeprefix("  - "))[0].replace(" of it,", ",")
            for fact in facts
            if fact.startswith(("  - shares", "  - gives", "  - receives the result", "  - learns"))
        ]
        if told:
            lines.append(f"{party}: {'; '.join(told)}")
    return "\n".join(lines)


def _answer(federation: Federation, question: Question) -> None:
    client = federation.client(question.asker)
    print(f"{question.words}\n({client.party} asks)\n\n{_indented(question.sql)}\n")
    progress = ProgressLine()
    try:
        result = ask(client, question.sql, progress=progress)
    finally:
        progress.clear()
    if result.table is None:
        print(f"The answer went to {', '.join(result.recipients)}.")
    else:
        print(text_table(result.table))
    print(f"\nWhat each party gave and learnt:\n{_indented(condensed(result.privacy))}")
    print(f"\n({statistics_text(result)})")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
