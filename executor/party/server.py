"""The control plane: Arrow Flight with mutual TLS. The certificate is the caller.

A caller whose certificate is not pinned does not get past the handshake. Past it, the party that
the certificate names decides what may be called: `peer` actions by the other parties, `owner`
actions by the party itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import pyarrow as pa
from pyarrow import flight

from ...query.errors import InternalError, TacitError
from ..transport.identity import Identity
from .failures import describe_failure
from .federation import Address, Federation
from .messages import Body, decode, encode
from .resources import complain

TLS_1_2_CIPHER = "ECDHE-RSA-AES256-GCM-SHA384"
"""The only suite offered below TLS 1.3. It needs an RSA key, and ours are elliptic: so TLS 1.2
cannot be agreed on, which gRPC has no other switch for."""

Reply = Body | Iterator[Body]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`perform(caller, body, cancelled)` answers with one body or several as they come."""

    audience: Literal["peer", "owner", "both"]
    perform: Callable[[str, Body, Cancelled], Reply]


class ControlServer(flight.FlightServerBase):  # type: ignore[misc]  # pyarrow ships no types
    """Serves from construction until `shutdown`. `fetch` gives the table for a ticket's body."""

    def __init__(
        self,
        address: Address,
        identity: Identity,
        federation: Federation,
        actions: Mapping[str, Action],
        fetch: Callable[[Body], pa.Table],
    ) -> None:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would write to standard error
        os.environ["GRPC_SSL_CIPHER_SUITES"] = TLS_1_2_CIPHER
        self._party = identity.party
        self._parties = federation.parties
        self._actions = dict(actions)
        self._fetch = fetch
        super().__init__(
            f"grpc+tls://{address}",
            tls_certificates=[(identity.certificate_pem, identity.key_pem())],
            verify_client=True,
            root_certificates=b"".join(m.certificate_pem for m in federation.members),
        )

    def do_action(self, context: Any, action: Any) -> Iterator[flight.Result]:
        """Performs one action; an error of the tree travels as a body {"error": ...}."""
        caller = self._caller(context)
        known = self._actions.get(action.type)
        audiences = ("owner", "both") if caller == self._party else ("peer", "both")
        if known is None or known.audience not in audiences:
            _refuse()
        try:
            reply = known.perform(caller, decode(action.body.to_pybytes()), context.is_cancelled)
            for body in [reply] if isinstance(reply, dict) else reply:
                yield flight.Result(encode(body))
        except TacitError as error:
            yield flight.Result(encode({"error": describe_failure(error)}))
        except Exception as error:
            yield flight.Result(encode({"error": describe_failure(self._mistake(error))}))

    def do_get(self, context: Any, ticket: Any) -> flight.RecordBatchStream:
        """A result of the owner's, by ticket."""
        if self._caller(context) != self._party:
            _refuse()
        try:
            return flight.RecordBatchStream(self._fetch(decode(ticket.ticket)))
        except TacitError as error:
            raise _as_flight_error(error) from None
        except Exception as error:
            raise _as_flight_error(self._mistake(error)) from None

    def list_flights(self, context: Any, criteria: Any) -> NoReturn:
        _refuse()

    def get_flight_info(self, context: Any, descriptor: Any) -> NoReturn:
        _refuse()

    def get_schema(self, context: Any, descriptor: Any) -> NoReturn:
        _refuse()

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> NoReturn:
        _refuse()

    def do_exchange(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> NoReturn:
        _refuse()

    def list_actions(self, context: Any) -> NoReturn:
        _refuse()

    def _caller(self, context: Any) -> str:
        """The party whose certificate the caller proved to own."""
        name = context.peer_identity().decode("utf-8", "replace")
        if name not in self._parties:
            _refuse()
        return str(name)

    def _mistake(self, error: Exception) -> InternalError:
        complain(f"a mistake of tacit in the control plane: {type(error).__name__}")
        return InternalError(f"{self._party} met a mistake of tacit: {type(error).__name__}")


def _as_flight_error(error: TacitError) -> flight.FlightServerError:
    """An error that carries one of the tree, for calls that answer with a table."""
    return flight.FlightServerError("refused", encode(describe_failure(error)))


def _refuse() -> NoReturn:
    raise flight.FlightUnauthorizedError("not available to you")
