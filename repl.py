r"""The interactive SQL prompt: `tacit repl`, or `python repl.py`.

Statements end with a semicolon and may span lines; Tab completes; Ctrl-C cancels a running query at
every node, or clears the line; Ctrl-D or `\q` leaves; `\?` lists the commands.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Offer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer
from tacit.executor.client.completion import completions
from tacit.executor.client.console import Console
from tacit.executor.client.exits import guarded
from tacit.executor.client.meta_commands import COMMANDS
from tacit.executor.client.opening import add_federation_arguments, open_federation
from tacit.executor.client.watching import ProgressLine
from tacit.query.errors import TacitError


def main(argv: list[str] | None = None) -> int:
    """Runs the prompt as a program of its own; returns the exit code."""
    parser = argparse.ArgumentParser(prog="repl.py", description="An interactive SQL prompt.")
    add_federation_arguments(parser)
    return guarded(run, parser.parse_args(argv))


def run(arguments: argparse.Namespace) -> int:
    """Opens the federation that the arguments name and converses until the person leaves."""
    if arguments.federation is None:
        print("Starting the parties ...", file=sys.stderr)
    with open_federation(arguments) as federation:
        client = federation.client(arguments.party)
        console = Console(
            client,
            out=sys.stdout,
            progress=ProgressLine(sys.stdout),
            open_client=federation.client,
        )
        console.write(f"You ask as {client.party}. \\d lists the tables, \\? the commands.")
        converse(console, prompt_session(console))
    return 0


def converse(console: Console, session: PromptSession[str]) -> None:
    """Reads statements and commands until Ctrl-D or `\\q`."""
    while not console.done:
        try:
            text = session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.strip():
            console.execute(text)


def prompt_session(console: Console) -> PromptSession[str]:
    """The line editor: highlighting, history, completion, several lines until a semicolon."""
    return PromptSession(
        message=lambda: HTML("<b>{}</b>> ").format(console.party),
        prompt_continuation=lambda width, number, wrapped: "." * (width - 2) + "> ",
        lexer=PygmentsLexer(SqlLexer),
        history=_history(),
        completer=SqlCompleter(console),
        complete_while_typing=False,
        multiline=True,
        key_bindings=_bindings(),
        enable_history_search=True,
    )


class SqlCompleter(Completer):
    """Adapts `completions` to the line editor, and completes the console's commands."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Offer]:
        text, cursor = document.text, document.cursor_position
        if text.startswith("\\") and " " not in text[:cursor]:
            for command in COMMANDS.values():
                if command.name.startswith(text[:cursor]):
                    yield Offer(command.name, -cursor, display_meta=command.help)
            return
        if text.startswith("\\d "):
            text, cursor = "FROM " + text[3:], cursor + 2
        try:
            catalog = self._console.catalog
        except TacitError:
            return  # the node does not answer; the next query will say so
        for offer in completions(text, cursor, catalog):
            yield Offer(offer.text, -offer.replaces, display_meta=offer.kind)


def _bindings() -> KeyBindings:
    """Enter submits a finished statement or a command; otherwise it begins a new line."""
    bindings = KeyBindings()

    @bindings.add("enter", filter=Condition(_is_finished))
    def submit(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings


def _is_finished() -> bool:
    from prompt_toolkit.application import get_app

    text = get_app().current_buffer.text.strip()
    return not text or text.endswith(";") or text.startswith("\\")


def _history() -> History:
    """The file of past lines, readable by its owner alone; in memory if it cannot be written."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state) / "tacit" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


if __name__ == "__main__":
    sys.exit(main())
