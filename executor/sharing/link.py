"""One party's side of `replicated`: its channel, its keys, and how a round is run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...query.errors import InternalError, TacitError
from ..transport.channel import Buffer, Channel
from .messages import PARTIES, Round
from .randomness import Purpose, SessionKeys, Stream

Received = dict[int, NDArray[np.uint8]]


class Link:
    """Runs the rounds of `messages` over a channel; draws zero sharings."""

    def __init__(self, channel: Channel, keys: SessionKeys) -> None:
        if (channel.parties, keys.parties, keys.party) != (PARTIES, PARTIES, channel.party):
            raise ValueError("replicated sharing runs between three parties with their own keys")
        self.party = channel.party
        self.next = (channel.party + 1) % PARTIES
        self.previous = (channel.party - 1) % PARTIES
        self._channel = channel
        self._keys = keys

    def stream(self, peer: int, purpose: Purpose) -> Stream:
        """The stream shared with one peer."""
        return self._keys.stream(peer, purpose)

    def exchange(self, round_: Round, outgoing: Mapping[int, Sequence[Buffer]]) -> Received:
        """Sends this party's frames of a round, then receives those due, by sender.

        Whatever goes wrong ends the session at every party and burns the keys.
        """
        try:
            for message in round_.messages:
                if message.sender == self.party:
                    buffers = outgoing[message.receiver]
                    if sum(buffer.nbytes for buffer in buffers) != message.size:
                        raise ValueError("a frame is not as long as its round says")
                    self._channel.send(message.receiver, round_.kind, buffers)
            return {
                message.sender: self._channel.receive(message.sender, round_.kind, message.size)
                for message in round_.messages
                if message.receiver == self.party
            }
        except BaseException as error:
            self._keys.burn()
            ours = error if isinstance(error, TacitError) else InternalError("a round failed")
            self._channel.abort(ours)
            raise

    def fill_zero_bits(self, target: NDArray[Any]) -> None:
        """Overwrites the target with this party's component of a fresh XOR sharing of zero."""
        self.stream(self.next, Purpose.ZERO).fill(target)
        self.stream(self.previous, Purpose.ZERO).xor_into(target)

    def fill_zero_ring(self, target: NDArray[Any]) -> None:
        """Overwrites the target with this party's component of a fresh additive sharing of zero."""
        self.stream(self.next, Purpose.ZERO).fill(target)
        self.stream(self.previous, Purpose.ZERO).subtract_from(target)


def split(
    payload: NDArray[np.uint8], pieces: Sequence[tuple[tuple[int, ...], Any]]
) -> list[NDArray[Any]]:
    """Views of a payload as arrays of the given shapes and element types, back to back."""
    arrays = []
    offset = 0
    for shape, dtype in pieces:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        piece = payload[offset : offset + size].view(dtype).reshape(shape)
        arrays.append(piece if piece.flags.aligned else piece.copy())
        offset += size
    return arrays
