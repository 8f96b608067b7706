r"""The interactive console without its terminal: takes lines, asks queries, writes what they give.

A line that begins with a backslash is a command of the console (meta_commands.py); everything else
is SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pyarrow as pa

from ...query.catalog import Catalog
from ...query.errors import TacitError, UserError, told
from . import meta_commands
from .amounts import counted
from .commands_results import chosen, listing
from .output import form_of, write_output
from .render import render, text_table
from .scripts import Step, read_script, read_text, run_script
from .watching import Asker, ProgressLine, ask, delivery_text, statistics_text

if TYPE_CHECKING:
    from .client import Result


class Console:
    """One conversation with one client; `done` becomes true when the person leaves."""

    def __init__(
        self,
        client: Asker,
        *,
        out: TextIO,
        progress: ProgressLine,
        open_client: Callable[[str], Asker] | None = None,
    ) -> None:
        self.done = False
        self.timing = False
        self._client = client
        self._open_client = open_client
        self._out = out
        self._progress = progress
        self._catalog: Catalog | None = None
        self._last_query: str | None = None
        self._file: Path | None = None
        self._kept: list[pa.Table] = []

    @property
    def party(self) -> str:
        """The party that asks."""
        return self._client.party

    @property
    def catalog(self) -> Catalog:
        """The federation's catalog, read once."""
        if self._catalog is None:
            self._catalog = self._client.catalog()
        return self._catalog

    def execute(self, text: str) -> None:
        """Runs one command or some statements and writes what comes of it, errors included."""
        try:
            if text.lstrip().startswith("\\"):
                meta_commands.execute(self, text.strip())
            else:
                self._run(text)
        except TacitError as error:
            self.write(f"error: {told(error)}")

    def write(self, text: str) -> None:
        """One line, or several, to the person."""
        self._out.write(text + "\n")
        self._out.flush()

    def explain(self, how: str, sql: str) -> None:
        """Writes the EXPLAIN of a statement (of the last query if `sql` is empty)."""
        query = sql.strip().rstrip(";") or self._last_query
        if query is None:
            raise UserError("there is no last query; write one after the command")
        table = self._ask(f"{how} {query}").table
        if table is not None:
            self.write("\n".join(str(line) for line in table.column(0).to_pylist()))

    def ask_as(self, party: str) -> None:
        """Lets another party ask from here on. Errors: UserError if it cannot ask from here."""
        if self._open_client is None:
            raise UserError(f"only {self.party} can ask here")
        self._client = self._open_client(party)

    def show_results(self, session: str) -> None:
        """Lists what others' queries delivered to this party, or answers with one of them."""
        received = self._client.results()
        if not session:
            self.write(listing(received, self.party))
        else:
            found = chosen(received, session, self.party)
            self._show(self._client.result(found.session))

    def send_answers_to(self, path: Path | None) -> None:
        """The answers that follow go to a file (all of them, in its suffix's form) or the screen.

        Errors: UserError if the file cannot be written.
        """
        if path is not None:
            write_output(b"", path)
        self._file, self._kept = path, []
        self.write("Answers are shown here." if path is None else f"Answers go to {path}.")

    def run_file(self, path: Path) -> None:
        """Runs the statements of a file. Errors: UserError if it cannot be read; of a statement."""
        self._run(read_text(path))

    def _run(self, text: str) -> None:
        try:
            run_script(
                self._client,
                text,
                read_script(text),
                answered=self._answered,
                progress=self._progress,
            )
        finally:
            self._progress.clear()

    def _answered(self, step: Step, result: Result) -> None:
        self._progress.clear()
        self._last_query = step.text.rstrip().rstrip(";")
        if not step.gives_rows:
            self._catalog = None  # its shared tables have changed
        self._deliver(result)
        if self.timing:
            self.write(statistics_text(result))

    def _ask(self, sql: str) -> Result:
        try:
            return ask(self._client, sql, progress=self._progress)
        finally:
            self._progress.clear()

    def _deliver(self, result: Result) -> None:
        if result.table is None:
            self.write(delivery_text(result))
        else:
            self._show(result.table)

    def _show(self, table: pa.Table) -> None:
        if self._file is None:
            self.write(text_table(table))
            self.write(f"({counted(table.num_rows, 'row')})")
        else:
            self._kept.append(table)
            write_output(render(self._kept, form_of(self._file)), self._file)
