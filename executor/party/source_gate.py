"""A node's own data: opened and checked once, in the background, before any session uses them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...connectors.source import TableSource
from ...query.errors import DataError, SessionError, TacitError


class SourceGate:
    """Lets sessions through to the source once it has passed its check.

    `open_checked` opens the source and checks it against the catalog; what it complains about
    goes to `complain`, which writes for the owner alone. Others learn only that it is not ready.
    """

    def __init__(
        self, party: str, open_checked: Callable[[], TableSource], complain: Callable[[str], None]
    ) -> None:
        self._party = party
        self._open_checked = open_checked
        self._complain = complain
        self._done = threading.Event()
        self._source: TableSource | None = None
        self._fault = ""
        threading.Thread(target=self._check, name="tacit-source", daemon=True).start()

    def pass_through(self, wait_seconds: float, *, for_owner: bool = False) -> TableSource:
        """The source. Errors: SessionError if it did not pass its check, or not yet.

        `for_owner`: whoever asks may know what is wrong, and reads it as a DataError.
        """
        if not self._done.wait(wait_seconds):
            raise SessionError(
                f"the source of {self._party} is not ready: its data are still being checked"
            )
        if self._source is not None:
            return self._source
        if for_owner:
            raise DataError(self._fault)
        raise SessionError(
            f"the source of {self._party} is not ready: its own log says what is wrong"
        )

    def close(self) -> None:
        """Closes the source, if it was opened."""
        if self._done.wait(1.0) and self._source is not None:
            self._source.close()

    def _check(self) -> None:
        try:
            self._source = self._open_checked()
        except TacitError as error:
            self._refuse(str(error))
        except Exception as error:
            self._refuse(f"a mistake of tacit: {type(error).__name__}")
        finally:
            self._done.set()

    def _refuse(self, fault: str) -> None:
        self._fault = f"the source of {self._party} is not ready: {fault}"
        self._complain(self._fault)
