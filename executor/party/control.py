"""The control plane from the calling side: actions of another node, over mutual TLS."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import flight

from ...query.errors import (
    CancelledError,
    PeerFailedError,
    PeerLostError,
    PeerTimeoutError,
    TacitError,
)
from ..transport.identity import Identity
from .failures import restore_failure, shown
from .federation import Member
from .messages import MAX_BODY_BYTES, Body, decode, encode

_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5000),  # this is also the time that connecting may take
    ("grpc.max_reconnect_backoff_ms", 5000),
]

MAX_ANSWER_BYTES = MAX_BODY_BYTES + 2**16
MAX_TABLE_BYTES = 256 * MAX_BODY_BYTES


class ControlLink:
    """A line to the node of one party. Threads may share it; it reconnects by itself.

    Only the party's pinned certificate is accepted, and ours is shown. max_message_bytes: the
    longest answer that is taken; tables are far longer than what nodes say to each other.
    """

    def __init__(
        self, identity: Identity, member: Member, *, max_message_bytes: int = MAX_ANSWER_BYTES
    ) -> None:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would write to standard error
        self._identity = identity
        self._member = member
        self._max_message_bytes = max_message_bytes
        self._lock = threading.Lock()
        self._client: flight.FlightClient | None = None

    def call(self, action: str, body: Mapping[str, Any], *, timeout_seconds: float) -> Body:
        """Performs an action and returns its one answer.

        Errors: PeerLostError, PeerTimeoutError, and whatever error the other side answers with.
        """
        for answer in self.stream(action, body, timeout_seconds=timeout_seconds):
            return answer
        raise PeerFailedError(
            f"{self._member.name} gave no answer to {action}", party=self._member.name, step=action
        )

    def stream(
        self, action: str, body: Mapping[str, Any], *, timeout_seconds: float
    ) -> Iterator[Body]:
        """Performs an action and yields its answers as they come. Errors: as `call`."""
        options = flight.FlightCallOptions(timeout=timeout_seconds)
        client = self._connected()
        try:
            results = client.do_action(flight.Action(action, encode(body)), options)
            for result in results:
                answer = decode(result.body.to_pybytes())
                if "error" in answer:
                    raise restore_failure(answer["error"])
                yield answer
        except (flight.FlightError, pa.ArrowException, OSError) as error:
            raise self._translated(error, action, client) from None

    def fetch(self, ticket: Mapping[str, Any], *, timeout_seconds: float) -> pa.Table:
        """The table that a ticket stands for. Errors: as `call`."""
        options = flight.FlightCallOptions(timeout=timeout_seconds)
        client = self._connected()
        try:
            reader = client.do_get(flight.Ticket(encode(ticket)), options)
            return reader.read_all()
        except (flight.FlightError, pa.ArrowException, OSError) as error:
            raise self._translated(error, "fetch", client) from None

    def close(self) -> None:
        """Ends the line; the next use opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> flight.FlightClient:
        with self._lock:
            if self._client is None:
                self._client = flight.connect(
                    f"grpc+tls://{self._member.control}",
                    tls_root_certs=self._member.certificate_pem,
                    cert_chain=self._identity.certificate_pem,
                    private_key=self._identity.key_pem(),
                    override_hostname=self._member.name,
                    generic_options=[
                        *_OPTIONS,
                        ("grpc.max_receive_message_length", self._max_message_bytes),
                    ],
                )
            return self._client

    def _give_up(self, client: flight.FlightClient) -> None:
        """Makes the next use open a new line. The old one stays open for calls under way."""
        with self._lock:
            if self._client is client:
                self._client = None

    def _translated(self, error: Exception, action: str, client: flight.FlightClient) -> TacitError:
        """The error of the tree for one of Flight's; a broken line is given up."""
        party = self._member.name
        match error:
            case flight.FlightTimedOutError():
                self._give_up(client)
                return PeerTimeoutError(f"{party} did not answer in time", party=party, step=action)
            case flight.FlightServerError(extra_info=record) if record:
                return restore_failure(decode(record))
            case flight.FlightCancelledError():
                return CancelledError(f"{party} cancelled {action}")
            case flight.FlightUnavailableError():
                self._give_up(client)
                return PeerLostError(
                    f"{party} cannot be reached at {self._member.control}: it is not running, or "
                    "the certificates do not match",
                    party=party,
                    step=action,
                )
            case _:
                told = shown(str(error).split(". Detail:")[0][:500])
                return PeerFailedError(f"{party}: {told}", party=party, step=action)
