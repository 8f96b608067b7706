"""Randomness that two parties share: one key per pair and session, many streams.

Model: an X25519 exchange over authenticated links gives every pair a 256-bit key, bound by HKDF to
the session's context and to both ends. Streams are AES-128 in counter mode, one for every purpose
and lane of computation; both ends of a pair draw the same number of bytes from each in the same
order ("lockstep"). Nothing is ever drawn twice: a session that ends burns its keys.
"""

from __future__ import annotations

import enum
import hmac
from itertools import count
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from numpy.typing import NDArray

from ...query.errors import InternalError, PeerViolationError, SessionError
from ..transport.channel import Channel, Kind

KEY_ROUNDS = 1
"""Rounds of `agree_keys`."""

_CHUNK_BYTES = 1 << 16
_ZEROS = memoryview(bytes(_CHUNK_BYTES))
_PUBLIC_KEY_BYTES = 32


class Purpose(enum.Enum):
    """What a stream is drawn for. Every purpose has streams, and so keys, of its own."""

    ZERO = b"zero sharing"
    INPUT = b"input"
    RANDOM = b"random share"
    PERMUTATION = b"permutation"
    SHUFFLE = b"shuffle mask"
    RESHARE = b"reshare"


def agree_keys(channel: Channel, context: bytes) -> SessionKeys:
    """Agrees on one key with every peer; 1 round, 32 bytes to each.

    `context` must name the session and everything that its parties agreed on beforehand; ends with
    different contexts get unrelated keys. Errors: PeerViolationError for a public key that is our
    own or that gives an all-zero secret (a point of small order).
    """
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    peers = [peer for peer in range(channel.parties) if peer != channel.party]
    for peer in peers:
        channel.send(peer, Kind.HELLO, [np.frombuffer(public, dtype=np.uint8)])
    keys = {}
    for peer in peers:
        received = channel.receive(peer, Kind.HELLO, _PUBLIC_KEY_BYTES).tobytes()
        try:
            keys[peer] = _pair_key(private, (channel.party, public), (peer, received), context)
        except PeerViolationError as error:
            channel.abort(error)
            raise
    return SessionKeys(channel.party, channel.parties, keys)


class SessionKeys:
    """The keys that one party shares with each of its peers, and the streams drawn from them."""

    def __init__(self, party: int, parties: int, keys: dict[int, bytes]) -> None:
        self.party = party
        self.parties = parties
        self._keys: dict[int, bytes] | None = dict(keys)
        self._streams: dict[int, dict[tuple[int, Purpose], Stream]] = {0: {}}
        self._lanes = count(1)

    def stream(self, peer: int, purpose: Purpose, lane: int = 0) -> Stream:
        """The stream shared with `peer` for a purpose, in one lane of computation (lanes.py).

        Errors: SessionError once the keys are burned; InternalError for a lane that has ended.
        """
        if self._keys is None:
            raise SessionError("the session's keys are burned")
        streams = self._streams.get(lane)
        if streams is None:
            raise InternalError("a lane that has ended draws no more")
        stream = streams.get((peer, purpose))
        if stream is None:
            stream = streams[peer, purpose] = Stream(self._keys[peer], purpose, lane)
        return stream

    def begin_lane(self) -> int:
        """The number of a new lane, which is never used again. All parties begin lanes alike."""
        lane = next(self._lanes)
        self._streams[lane] = {}
        return lane

    def end_lane(self, lane: int) -> None:
        """Ends the streams of a lane."""
        for stream in self._streams.pop(lane, {}).values():
            stream.burn()

    def burn(self) -> None:
        """Forgets every key and ends every stream; any further use raises. Idempotent."""
        self._keys = None
        for lane in list(self._streams):
            self.end_lane(lane)

    def __repr__(self) -> str:
        return f"<SessionKeys of party {self.party} of {self.parties}>"


class Stream:
    """Bytes that look uniform to everyone but the two parties that hold the key."""

    def __init__(self, pair_key: bytes, purpose: Purpose, lane: int = 0) -> None:
        info = b"tacit stream: %b, lane %d" % (purpose.value, lane)
        material = HKDFExpand(SHA256(), 32, info).derive(pair_key)
        cipher = Cipher(algorithms.AES(material[:16]), modes.CTR(material[16:]))
        self._context: CipherContext | None = cipher.encryptor()
        self._scratch = np.empty(_CHUNK_BYTES, dtype=np.uint8)

    def fill(self, target: NDArray[Any]) -> None:
        """Overwrites a contiguous array with the next bytes of the stream."""
        context = self._live()
        data = _flat(target).view(np.uint8).data
        for start in range(0, len(data), _CHUNK_BYTES):
            piece = data[start : start + _CHUNK_BYTES]
            context.update_into(_ZEROS[: len(piece)], piece)

    def draw(self, shape: int | tuple[int, ...], dtype: type[Any] | np.dtype[Any]) -> NDArray[Any]:
        """A fresh array of the next bytes of the stream."""
        result = np.empty(shape, dtype=dtype)
        self.fill(result)
        return result

    def xor_into(self, target: NDArray[Any]) -> None:
        """XORs the next bytes of the stream into a contiguous array."""
        self._fold(target, np.bitwise_xor)

    def add_into(self, target: NDArray[Any]) -> None:
        """Adds the next elements of the stream to a contiguous array of unsigned integers."""
        self._fold(target, np.add)

    def subtract_from(self, target: NDArray[Any]) -> None:
        """Subtracts the next elements of the stream from a contiguous array."""
        self._fold(target, np.subtract)

    def permutation(self, rows: int) -> NDArray[np.intp]:
        """A uniformly random order of `rows` rows.

        Sorts random keys that carry the row number in their low bits. Rows whose keys tie are
        ordered among themselves by further keys of 64 bits: given who ties, that order is uniform.
        """
        low_bits = np.uint64(max(rows - 1, 1).bit_length())
        keys = self.draw(rows, np.uint64)
        keys <<= low_bits
        keys |= np.arange(rows, dtype=np.uint64)
        keys.sort()
        low = (np.uint64(1) << low_bits) - np.uint64(1)
        order = (keys & low).view(np.intp)
        keys >>= low_bits
        self._break_ties(keys, order)
        return order

    def burn(self) -> None:
        """Ends the stream; any further draw raises SessionError."""
        self._context = None

    def _live(self) -> CipherContext:
        if self._context is None:
            raise SessionError("the session's keys are burned")
        return self._context

    def _fold(self, target: NDArray[Any], function: np.ufunc) -> None:
        context = self._live()
        flat = _flat(target)
        scratch = self._scratch.view(target.dtype)
        mask = self._scratch.data
        size = target.itemsize
        for start in range(0, len(flat), len(scratch)):
            piece = flat[start : start + len(scratch)]
            count = len(piece)
            context.update_into(_ZEROS[: count * size], mask[: count * size])
            function(piece, scratch[:count], out=piece)

    def _break_ties(self, keys: NDArray[np.uint64], order: NDArray[np.intp]) -> None:
        same = keys[1:] == keys[:-1]
        if not same.any():
            return
        tied = np.zeros(len(keys), dtype=bool)
        tied[1:] |= same
        tied[:-1] |= same
        positions = np.flatnonzero(tied)
        while True:
            fresh = self.draw(len(positions), np.uint64)
            if len(np.unique(fresh)) == len(fresh):
                break
        order[positions] = order[positions[np.lexsort((fresh, keys[positions]))]]


def _flat(target: NDArray[Any]) -> NDArray[Any]:
    if not target.flags.c_contiguous:
        raise ValueError("randomness goes into contiguous arrays")
    return target.reshape(-1)


def _pair_key(
    private: X25519PrivateKey, own: tuple[int, bytes], peer: tuple[int, bytes], context: bytes
) -> bytes:
    """HKDF-SHA256 of the exchanged secret, bound to the context and to both ends in order."""
    if hmac.compare_digest(own[1], peer[1]):
        raise PeerViolationError("a peer sent our own public key back", party=str(peer[0]))
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(peer[1]))
    except ValueError:
        secret = bytes(_PUBLIC_KEY_BYTES)
    if hmac.compare_digest(secret, bytes(len(secret))):
        raise PeerViolationError("a peer sent a public key of small order", party=str(peer[0]))
    info = b"tacit pair key" + len(context).to_bytes(8, "big") + context
    for index, public in sorted((own, peer)):
        info += index.to_bytes(4, "big") + public
    return HKDF(SHA256(), 32, None, info).derive(secret)
