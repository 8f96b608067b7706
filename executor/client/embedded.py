"""The Python interface: a whole federation on this machine, or a door to one that runs."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pyarrow as pa

from ...planner.cost import PlanCost
from ...query.errors import ConfigurationError, UserError
from ..party.results import Received
from .client import Client, Progress, Result
from .layout import Tables, write_example
from .local import LocalFederation, create_local
from .scripts import read_script, run_script

if TYPE_CHECKING:
    import pandas as pd


class Answer:
    """What a query gave to the party that asked it, and what it took."""

    def __init__(self, result: Result, party: str) -> None:
        self._result = result
        self._party = party

    def to_arrow(self) -> pa.Table:
        """The answer's rows. Errors: UserError if they went to other parties only."""
        if self._result.table is None and self._result.message:
            raise UserError(f"this statement gives no rows. {self._result.message}")
        if self._result.table is None:
            receivers = ", ".join(self.recipients)
            raise UserError(
                f"the answer went to {receivers}; {self._party} received no rows (a recipient "
                "reads them with results and result)"
            )
        return self._result.table

    def to_pandas(self) -> pd.DataFrame:
        """The answer's rows as a DataFrame. Errors: as `to_arrow`."""
        return self.to_arrow().to_pandas()

    @property
    def message(self) -> str:
        """What a statement did that gives no rows (CREATE SHARED TABLE, DROP TABLE), or empty."""
        return self._result.message

    @property
    def session(self) -> str:
        """The id under which recipients other than the asker find the rows."""
        return self._result.session_id

    @property
    def recipients(self) -> tuple[str, ...]:
        """The parties that received the rows."""
        return self._result.recipients

    @property
    def rounds(self) -> int:
        """The longest chain of dependent messages between the compute parties."""
        return self._result.rounds

    @property
    def sent_bytes(self) -> tuple[int, ...]:
        """Payload bytes that each compute party sent."""
        return self._result.sent_bytes

    @property
    def seconds(self) -> float:
        """Time from the question to the answer."""
        return self._result.seconds

    @property
    def predicted(self) -> PlanCost:
        """The cost that the planner had computed beforehand."""
        return self._result.predicted

    @property
    def plan_digest(self) -> str:
        """The digest of the plan that every party computed for itself and compared."""
        return self._result.plan_digest

    @property
    def privacy(self) -> str:
        """What each party learnt, line by line."""
        return self._result.privacy

    def __repr__(self) -> str:
        rows = (
            "no rows here" if self._result.table is None else f"{self._result.table.num_rows} rows"
        )
        return f"<Answer: {rows}, {self.rounds} rounds, {sum(self.sent_bytes)} bytes>"

    def __str__(self) -> str:
        from .render import text_table

        if self._result.table is None and self._result.message:
            return self._result.message
        return text_table(self.to_arrow())


class Federation:
    """Questions to the parties of one federation. A context manager; `close` ends it.

    What is still open when the program ends is closed then.
    """

    def __init__(
        self,
        *,
        parties: tuple[str, ...],
        catalog_sql: str,
        open_client: Callable[[str], Client],
        on_close: Callable[[], None],
    ) -> None:
        self.parties = parties
        """The parties that this object can ask as; the first one is the default."""
        self.catalog_sql = catalog_sql
        """The catalog's text: the public contract of the federation."""
        self._open_client = open_client
        self._on_close = on_close
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()
        self._closed = False
        atexit.register(self.close)

    def query(
        self,
        sql: str,
        *,
        as_party: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Answer:
        """Asks one SQL statement as one of the parties and waits for the answer.

        `progress` is called from time to time while the query runs. Errors: the tree under
        `tacit.TacitError`.
        """
        client = self.client(as_party)
        return Answer(client.query(sql, progress=progress), client.party)

    def run_script(
        self,
        sql: str,
        *,
        as_party: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> tuple[Answer, ...]:
        """Asks the statements of a text one after the other, as one of the parties.

        All of them are read and, as far as they do not depend on each other, planned before the
        first one runs. Errors: as `query`; the first one ends the script, and its `__notes__` say
        which statement failed and what was done before.
        """
        client = self.client(as_party)
        answers: list[Answer] = []
        run_script(
            client,
            sql,
            read_script(sql),
            answered=lambda step, result: answers.append(Answer(result, client.party)),
            progress=progress,
        )
        return tuple(answers)

    def client(self, party: str | None = None) -> Client:
        """The client that asks as a party (the first one unless given); it is closed with this.

        Errors: UserError if this object cannot ask as that party.
        """
        name = self.parties[0] if party is None else party
        if name not in self.parties:
            known = ", ".join(self.parties)
            raise UserError(f"there is no party {name!r} to ask as; there are: {known}")
        with self._lock:
            if self._closed:
                raise UserError("this federation is closed")
            if name not in self._clients:
                self._clients[name] = self._open_client(name)
            return self._clients[name]

    def results(self, as_party: str | None = None) -> tuple[Received, ...]:
        """What queries of other parties delivered to a party (REVEAL TO), the oldest first."""
        return self.client(as_party).results()

    def result(self, session: str, *, as_party: str | None = None) -> pa.Table:
        """The rows of one of the `results`, by its session. Errors: UserError if there is none."""
        return self.client(as_party).result(session)

    def cancel(self) -> None:
        """Cancels, at every node, the queries that this object runs. Any thread may call it."""
        for client in list(self._clients.values()):
            client.cancel()

    def close(self) -> None:
        """Ends the clients, and the nodes if they were started for this object. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            clients = list(self._clients.values())
        atexit.unregister(self.close)
        with contextlib.ExitStack() as stack:
            stack.callback(self._on_close)
            for client in clients:
                stack.callback(client.close)

    def __enter__(self) -> Federation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def local(
    tables: Tables,
    *,
    catalog: str | Path | None = None,
    protocol: str = "replicated",
    compute: Sequence[str] | None = None,
    network: str | Path | None = None,
) -> Federation:
    """Runs a federation on this machine: every party a process of its own, over real TLS.

    `tables` gives each party's tables by name, each a DataFrame, an Arrow table or the path of a
    file. `catalog` is SQL text or the path of a file with it; without one, a catalog is proposed
    from the data (its bounds are then public facts about them) and kept as `catalog_sql`.
    `protocol` is "replicated", in which fewer than three parties are joined by helpers that hold
    no data, or "additive" for two to five parties that trust nobody else. `compute` names the
    compute parties of a federation with more owners than these; a name without tables is a helper.
    `network` is what to plan for: "loopback" (where the parties are, the default), "lan", "wan", or
    the path of a file with the figures of one, as `tacit measure` writes it.
    Errors: ConfigurationError, CatalogError, DataError.
    """
    directory = Path(tempfile.mkdtemp(prefix="tacit-"))
    try:
        example = write_example(directory / "example", tables, catalog, protocol, compute)
        return _start(example, directory, network)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def open_local(directory: Path | str, network: str | Path | None = None) -> Federation:
    """Runs the parties of a directory (catalog.sql, PARTY/sources.sql) on this machine.

    The directory is left as it is: keys and addresses are made in a temporary one. `network`: as in
    `local`; what the directory's federation.toml says, unless given.
    """
    example = Path(directory)
    if not (example / "catalog.sql").is_file():
        raise ConfigurationError(f"{example} holds no catalog.sql, so it is no federation")
    target = Path(tempfile.mkdtemp(prefix="tacit-"))
    try:
        return _start(example, target, network)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def connect(directory: str | Path, party: str) -> Federation:
    """Opens a door to a running federation, as the party whose key lies in its directory.

    `directory` holds federation.toml, catalog.sql and a folder named like the party. Errors:
    ConfigurationError. Whether the node runs shows with the first query.
    """
    root = Path(directory)
    client = Client(root, party)
    federation = Federation(
        parties=(party,),
        catalog_sql=_read(root / "catalog.sql"),
        open_client=lambda _: client,
        on_close=client.close,
    )
    federation._clients[party] = client
    return federation


def _start(example: Path, scratch: Path, network: str | Path | None) -> Federation:
    target = create_local(example, target=scratch / "federation", network=network)
    nodes = LocalFederation.start(target)

    def stop() -> None:
        nodes.stop()
        shutil.rmtree(scratch, ignore_errors=True)

    return Federation(
        parties=tuple(nodes.parties),
        catalog_sql=_read(target / "catalog.sql"),
        open_client=nodes.client,
        on_close=stop,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
