"""All oblivious transfers of one party with its peers: set-up once, then extension in batches.

Every pair runs both directions. Transfers are numbered per direction, and a number is never used
twice: the number goes into the hash, and the extension's streams only move forward.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...transport.channel import Kind
from ..rounds import Round, Rounds, make_round
from ..shares import Words
from .base import SENDER_BYTES, BaseReceiver, BaseSender, receiver_bytes
from .extension import (
    FOLD,
    SECURITY,
    ExtensionReceiver,
    ExtensionSender,
    blocks_of,
    extension_bytes,
)
from .hashing import TransferHash
from .punctured import deal, offers_bytes, path_choices, recover
from .transpose import Rows


@dataclass(slots=True)
class Received:
    """Transfers in which this party chose: it can compute the chosen message of each."""

    rows: Rows
    first: int
    hash: TransferHash

    def chosen(self, size: int) -> Rows:
        """`size` bytes for each transfer. Local."""
        return self.hash.rows(self.rows, self.first, size)

    def chosen_bits(self) -> Words:
        """One bit for each transfer. Local."""
        return self.hash.bits(self.rows, self.first)


@dataclass(slots=True)
class Sent:
    """Transfers in which the peer chose: this party can compute both messages of each."""

    rows: Rows
    delta: Rows
    first: int
    hash: TransferHash

    def both(self, size: int) -> tuple[Rows, Rows]:
        """`size` bytes for either choice of each transfer. Local."""
        zero = self.hash.rows(self.rows, self.first, size)
        return zero, self.hash.rows(self.rows, self.first, size, self.delta)

    def both_bits(self) -> tuple[Words, Words]:
        """One bit for either choice of each transfer. Local."""
        zero = self.hash.bits(self.rows, self.first)
        return zero, self.hash.bits(self.rows, self.first, self.delta)


@dataclass(slots=True)
class _Direction:
    """One direction of one pair; `count` transfers have been made."""

    end: ExtensionReceiver | ExtensionSender
    hash: TransferHash
    count: int = 0

    def number(self, transfers: int) -> int:
        first, self.count = self.count, self.count + transfers
        return first


class Transfers:
    """One party's transfers. `context` binds them to the session and what was agreed for it."""

    def __init__(self, link: Rounds, context: bytes, *, fold: int = FOLD) -> None:
        self._link = link
        self._context = context
        self._fold = fold
        self._choosing: dict[int, _Direction] = {}
        self._sending: dict[int, _Direction] = {}

    @property
    def ready(self) -> bool:
        return bool(self._choosing)

    def set_up(self) -> None:
        """The base transfers of every pair and direction. 2 rounds; see `setup_rounds`.

        Errors: PeerViolationError for bytes that are no point of the group.
        """
        link, blocks = self._link, blocks_of(self._fold)
        hidden = {peer: _random_indices(blocks, self._fold) for peer in link.peers}
        receivers = {
            peer: BaseReceiver(
                self._named(peer, link.party),
                [choice for index in hidden[peer] for choice in path_choices(index, self._fold)],
            )
            for peer in link.peers
        }
        senders = {peer: BaseSender(self._named(link.party, peer)) for peer in link.peers}
        points, offers = setup_rounds(link.parties, self._fold)
        received = link.exchange(
            points,
            {p: [_bytes(receivers[p].message), _bytes(senders[p].message)] for p in link.peers},
        )
        try:
            self._finish(hidden, receivers, senders, received, offers)
        except BaseException as error:
            link.fail(error)
            raise

    def extend(self, choices: Mapping[int, Words], counts: Mapping[int, int]) -> Batch:
        """As receiver, transfers for the planes `choices` by peer; as sender, `counts` words each.

        1 round; 128/k bits per transfer.
        """
        link = self._link
        rows: dict[int, Rows] = {}
        outgoing = {}
        for peer, plane in choices.items():
            end = self._choosing[peer].end
            assert isinstance(end, ExtensionReceiver)
            rows[peer], message = end.extend(plane)
            outgoing[peer] = [message]
        sizes = [
            (link.party, p, extension_bytes(64 * len(c), self._fold)) for p, c in choices.items()
        ]
        sizes += [(p, link.party, extension_bytes(64 * n, self._fold)) for p, n in counts.items()]
        received = link.exchange(make_round(Kind.OT_EXTEND, sizes), outgoing)
        batch = Batch({}, {})
        for peer, own in rows.items():
            direction = self._choosing[peer]
            batch.received[peer] = Received(own, direction.number(len(own)), direction.hash)
        for peer, count in counts.items():
            direction = self._sending[peer]
            assert isinstance(direction.end, ExtensionSender)
            payload = received.get(peer, np.empty(0, np.uint8))
            message = payload.view(np.uint64).reshape(blocks_of(self._fold), count)
            theirs = direction.end.extend(message)
            first = direction.number(len(theirs))
            batch.sent[peer] = Sent(theirs, direction.end.delta, first, direction.hash)
        return batch

    def _finish(
        self,
        hidden: Mapping[int, list[int]],
        receivers: Mapping[int, BaseReceiver],
        senders: Mapping[int, BaseSender],
        received: Mapping[int, Rows],
        offers: Round,
    ) -> None:
        link, fold = self._link, self._fold
        leaves, outgoing = {}, {}
        chosen = {}
        for peer in link.peers:
            data = received[peer].tobytes()
            pairs = senders[peer].keys(data[: receiver_bytes(SECURITY)], peer)
            chosen[peer] = receivers[peer].keys(data[receiver_bytes(SECURITY) :], peer)
            dealt = [deal(pairs[at : at + fold]) for at in range(0, SECURITY, fold)]
            leaves[peer] = [block for block, _ in dealt]
            outgoing[peer] = [_bytes(b"".join(offer for _, offer in dealt))]
        offered = link.exchange(offers, outgoing)
        for peer in link.peers:
            data, size = offered[peer].tobytes(), offers_bytes(fold)
            seeds = [
                recover(
                    index,
                    chosen[peer][number * fold : (number + 1) * fold],
                    data[number * size : (number + 1) * size],
                )
                for number, index in enumerate(hidden[peer])
            ]
            self._choosing[peer] = _Direction(
                ExtensionReceiver(leaves[peer]), TransferHash(self._named(link.party, peer))
            )
            self._sending[peer] = _Direction(
                ExtensionSender(seeds, hidden[peer]), TransferHash(self._named(peer, link.party))
            )

    def _named(self, chooser: int, sender: int) -> bytes:
        """The context of the direction in which `chooser` has the choice bits."""
        return self._context + b"|%d chooses from %d" % (chooser, sender)


@dataclass(slots=True)
class Batch:
    """One extension's transfers, by peer."""

    received: dict[int, Received]
    sent: dict[int, Sent]


def setup_rounds(parties: int, fold: int = FOLD) -> tuple[Round, Round]:
    """The rounds of `set_up`: points, then masked seeds, between every pair."""
    pairs = [(a, b) for a in range(parties) for b in range(parties) if a != b]
    points = receiver_bytes(SECURITY) + SENDER_BYTES
    seeds = blocks_of(fold) * offers_bytes(fold)
    return (
        make_round(Kind.OT_BASE, [(a, b, points) for a, b in pairs]),
        make_round(Kind.OT_BASE, [(a, b, seeds) for a, b in pairs]),
    )


def _random_indices(count: int, fold: int) -> list[int]:
    """Uniform numbers of `fold` bits, from the operating system."""
    return [byte & ((1 << fold) - 1) for byte in os.urandom(count)]


def _bytes(data: bytes) -> Rows:
    return np.frombuffer(data, np.uint8)
