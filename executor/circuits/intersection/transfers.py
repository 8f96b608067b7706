"""Set intersection by oblivious transfers of many-valued choices: for many keys, all at once.

Setting: two owners of distinct keys, either may be curious; both learn which of their keys the
other has, and nothing else. Oblivious transfer and the ideal-cipher model (Kolesnikov, Kumaresan,
Rosulek, Trieu, CCS 2016: an oblivious pseudorandom function for each bin of a cuckoo table).
The receiver is the owner with the lower bound, the sender the other one. C is the code, H the hash
of codes.py; s are 480 secret bits of the sender.
  1. 480 base transfers with the roles swapped: the receiver has two seeds for each bit of s, the
     sender the one that its bit chooses.
  2. The receiver puts its keys into a cuckoo table; for the key x in bin b, plane i of t_b is what
     the first seed i expands to. It sends t ^ (what the second seeds expand to) ^ C(x). The sender
     gets q_b = t_b ^ (C(x) & s).
  3. For each key y and each of its bins b, the sender sends H(b, q_b ^ (C(y) & s)), among random
     bytes up to its bound, in random order. The receiver knows H(b, t_b): it finds it if x = y.
  4. The receiver knows the intersection, and sends hashes of it among random bytes, as many as the
     lower bound allows.
What the receiver sends in step 2 is masked by the seeds that the sender lacks. In step 3 every
value but that of a common key hides 128 bits of s or more, whoever knows the key: keys may be as
few as they like. Cost: 4 rounds; 80 bytes for each of the receiver's keys, 3 hashes of 9 to 13
bytes for each of the sender's, one for each of the fewer; 0.2 s for the base transfers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from numpy.typing import NDArray

from ....planner.cuckoo_size import CHOICES, bins_for
from ...sharing.ot.base import SENDER_BYTES, BaseReceiver, BaseSender, receiver_bytes
from ...sharing.pack import planes_to_rows, rows_to_planes
from ...sharing.protocol import SharingProtocol
from ...sharing.rounds import Round
from ...sharing.shares import Words, words
from ..cuckoo import candidates, cuckoo_table
from ..key_hash import KeyHash
from .codes import CODE_BITS, CODE_BYTES, Code, WordHash
from .membership import contained, filled_up, in_random_order
from .pair import Pair

Keys = NDArray[np.uint8]

STATISTICAL_BITS = 40
_BASE_SECONDS, _KEY_SECONDS = 0.2, 1.3e-6
"""Processor time of an owner for the base transfers, and for each key of both."""

_PIECE_WORDS = 1 << 9
"""Words of a plane in work at a time: 480 of them take 2 MB."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Who receives and who sends, and the sizes that follow."""

    receiver: int
    sender: int
    received: int
    sent: int
    rounds: tuple[Round, Round, Round, Round]

    @staticmethod
    def of(pair: Pair) -> Roles:
        one, other = pair.owners
        receiver, sender = (one, other) if pair.bounds[0] <= pair.bounds[1] else (other, one)
        received, sent = pair.bound(receiver), pair.bound(sender)
        size = tag_bytes(received, sent)
        base = (receiver_bytes(CODE_BITS), SENDER_BYTES)
        rounds = (
            pair.both_send(base if sender == one else base[::-1]),
            pair.one_sends(receiver, CODE_BITS * words(bins_for(received)) * 8),
            pair.one_sends(sender, CHOICES * sent * size),
            pair.one_sends(receiver, min(received, sent) * size),
        )
        return Roles(receiver, sender, received, sent, rounds)


def tag_bytes(received: int, sent: int) -> int:
    """Bytes of a hash, so that different keys' hashes meet with a probability below 2^-40."""
    return max(8, ceil((STATISTICAL_BITS + log2(CHOICES * max(received, 1) * max(sent, 1))) / 8))


def match_by_transfers(
    p: SharingProtocol, pair: Pair, keys: Keys | None
) -> NDArray[np.bool_] | None:
    """For each own key, whether the other owner has it; None at others. `keys`: rows of bytes."""
    roles = Roles.of(pair)
    if keys is None or pair.seed is None:
        work = (_BASE_SECONDS, _KEY_SECONDS * roles.received, _KEY_SECONDS * roles.sent, 0.0)
        for round_, seconds in zip(roles.rounds, work, strict=True):
            p.exchange(round_, {}, seconds)
        return None
    side = _receive if p.party == roles.receiver else _send
    return side(p, roles, keys, pair.seed)


def _receive(p: SharingProtocol, roles: Roles, keys: Keys, seed: bytes) -> NDArray[np.bool_]:
    base, extend, evaluate, answer = roles.rounds
    sender, size = roles.sender, tag_bytes(roles.received, roles.sent)
    dealer = BaseSender(_context(seed))
    received = _payload(p.exchange(base, {sender: [_bytes(dealer.message)]}), sender)
    pairs = dealer.keys(received.tobytes(), sender)
    bins = bins_for(roles.received)
    table = cuckoo_table(keys, seed, bins)
    message, hashes = _masked(pairs, keys, table.rows, table.filled, seed)
    p.exchange(extend, {sender: [message]})
    tags = hashes[table.filled, :size]
    theirs = _payload(p.exchange(evaluate, {}), sender).reshape(-1, size)
    found = np.zeros(len(keys), np.bool_)
    found[table.rows[table.filled]] = contained(tags, theirs)
    common = _answers(keys[found], seed, size)
    p.exchange(answer, {sender: [filled_up(common, min(roles.received, roles.sent))]})
    return found


def _masked(
    pairs: Sequence[tuple[bytes, bytes]],
    keys: Keys,
    rows: NDArray[np.intp],
    filled: NDArray[np.bool_],
    seed: bytes,
) -> tuple[Words, NDArray[np.uint8]]:
    """Step 2: the message, shape (480, words), and H(b, t_b) for each bin, shape (bins, 16)."""
    bins = len(rows)
    streams = [tuple(map(_stream, pair)) for pair in pairs]
    message = np.empty((CODE_BITS, words(bins)), np.uint64)
    hashes = np.empty((bins, 16), np.uint8)
    code, hash_ = Code(seed), WordHash(seed)
    for start, stop, place in _pieces(bins):
        own, other = (_planes([pair[side] for pair in streams], stop - start) for side in (0, 1))
        chosen = np.zeros((place.stop - place.start, CODE_BYTES), np.uint8)
        used = filled[place]
        chosen[used] = code.words(np.take(keys, rows[place][used], axis=0))
        message[:, start:stop] = own ^ other ^ rows_to_planes(chosen, CODE_BITS)
        masked = planes_to_rows(own, len(chosen))
        hashes[place] = hash_.rows(masked, np.arange(place.start, place.stop))
    return message, hashes


def _send(p: SharingProtocol, roles: Roles, keys: Keys, seed: bytes) -> NDArray[np.bool_]:
    base, extend, evaluate, answer = roles.rounds
    receiver, size = roles.receiver, tag_bytes(roles.received, roles.sent)
    secret = np.frombuffer(os.urandom(CODE_BYTES), np.uint8)
    choices = np.unpackbits(secret, bitorder="little").tolist()
    chooser = BaseReceiver(_context(seed), choices)
    received = _payload(p.exchange(base, {receiver: [_bytes(chooser.message)]}), receiver)
    streams = [_stream(key) for key in chooser.keys(received.tobytes(), receiver)]
    bins = bins_for(roles.received)
    message = _payload(p.exchange(extend, {}), receiver).view(np.uint64).reshape(CODE_BITS, -1)
    rows = _unmasked(streams, choices, message, bins)
    tags = filled_up(_evaluated(rows, secret, keys, seed)[:, :size], CHOICES * roles.sent)
    p.exchange(evaluate, {receiver: [tags]})
    theirs = _payload(p.exchange(answer, {}), receiver).reshape(-1, size)
    return contained(_answers(keys, seed, size), in_random_order(theirs))


def _unmasked(
    streams: Sequence[CipherContext], choices: Sequence[int], message: Words, bins: int
) -> NDArray[np.uint8]:
    """Step 2 at the sender: q as rows, shape (bins, 60)."""
    rows = np.empty((bins, CODE_BYTES), np.uint8)
    chosen = np.array(choices, np.bool_)
    for start, stop, place in _pieces(bins):
        planes = _planes(streams, stop - start)
        planes[chosen] ^= message[chosen, start:stop]
        rows[place] = planes_to_rows(planes, place.stop - place.start)
    return rows


def _evaluated(
    rows: NDArray[np.uint8], secret: NDArray[np.uint8], keys: Keys, seed: bytes
) -> NDArray[np.uint8]:
    """Step 3: the hashes of every key in each of its bins, shape (3 n, 16)."""
    hashes = np.empty((len(keys), CHOICES, 16), np.uint8)
    code, hash_ = Code(seed), WordHash(seed)
    for _, _, place in _pieces(len(keys)):
        bins = candidates(keys[place], seed, len(rows))
        masked = code.words(keys[place]) & secret
        for choice in range(CHOICES):
            mine = bins[:, choice]
            hashes[place, choice] = hash_.rows(np.take(rows, mine, axis=0) ^ masked, mine)
    return hashes.reshape(-1, 16)


def _answers(keys: Keys, seed: bytes, size: int) -> NDArray[np.uint8]:
    """Step 4: what stands for a common key."""
    return KeyHash(seed, b"answer of an intersection").bytes(keys, size)


def _planes(streams: Sequence[CipherContext], count: int) -> Words:
    """The next `count` words of every stream, shape (streams, count)."""
    zeros = bytes(8 * count)
    return (
        np.frombuffer(b"".join(s.update(zeros) for s in streams), np.uint64)
        .reshape(len(streams), count)
        .copy()
    )


def _pieces(rows: int) -> Iterator[tuple[int, int, slice]]:
    """Ranges of words, each with its rows."""
    for start in range(0, words(rows), _PIECE_WORDS):
        stop = min(start + _PIECE_WORDS, words(rows))
        yield start, stop, slice(64 * start, min(64 * stop, rows))


def _stream(key: bytes) -> CipherContext:
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()


def _context(seed: bytes) -> bytes:
    return b"tacit intersection" + seed


def _payload(received: dict[int, NDArray[np.uint8]] | None, peer: int) -> NDArray[np.uint8]:
    return (received or {}).get(peer, np.empty(0, np.uint8))


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)
