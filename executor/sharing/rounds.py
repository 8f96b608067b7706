"""One party's side of any protocol: its channel, its keys, and how rounds are run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...query.errors import InternalError, TacitError
from ..transport.channel import Buffer, Channel, Kind
from .lanes import Lanes
from .randomness import Purpose, SessionKeys, Stream

Received = dict[int, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Message:
    """One frame of `size` payload bytes."""

    sender: int
    receiver: int
    size: int


@dataclass(frozen=True, slots=True)
class Round:
    """Frames that do not depend on each other. A frame without bytes is not sent."""

    kind: Kind
    messages: tuple[Message, ...]


Request = tuple[Round, Mapping[int, Sequence[Buffer]]]
"""A round, and what this party sends in it by receiver."""


def make_round(kind: Kind, messages: Sequence[tuple[int, int, int]]) -> Round:
    """A round of (sender, receiver, size), without the empty frames."""
    return Round(kind, tuple(Message(*message) for message in messages if message[2]))


class Rounds:
    """Runs rounds over a channel; after an error in one the keys are burned."""

    def __init__(self, channel: Channel, keys: SessionKeys) -> None:
        if (keys.parties, keys.party) != (channel.parties, channel.party):
            raise ValueError("a protocol runs over a channel with the keys that were agreed on it")
        self.party = channel.party
        self.parties = channel.parties
        self.lanes: Lanes[Request, Received] = Lanes(
            self._together, begun=self._begin_lane, ended=self._end_lane
        )
        self._streams_of = {0: 0}
        """By lane: the number of its streams."""
        self._channel = channel
        self._keys = keys

    @property
    def peers(self) -> tuple[int, ...]:
        """The other parties, in order."""
        return tuple(peer for peer in range(self.parties) if peer != self.party)

    def stream(self, peer: int, purpose: Purpose) -> Stream:
        """The stream shared with one peer, of the lane that computes now."""
        return self._keys.stream(peer, purpose, self._streams_of[self.lanes.current])

    def exchange(self, round_: Round, outgoing: Mapping[int, Sequence[Buffer]]) -> Received:
        """Sends this party's frames of a round, then receives those due, by sender.

        Every party runs every round, also one that it has no part in: lanes share rounds. Whatever
        goes wrong ends the session at every party and burns the keys.
        """
        return self.lanes.exchange((round_, outgoing)) if round_.messages else {}

    def _begin_lane(self, lane: int) -> None:
        self._streams_of[lane] = self._keys.begin_lane()

    def _end_lane(self, lane: int) -> None:
        self._keys.end_lane(self._streams_of.pop(lane))

    def _together(self, requests: Mapping[int, Request]) -> dict[int, Received]:
        """Runs the rounds of some lanes as one."""
        try:
            for round_, outgoing in requests.values():
                self._send(round_, outgoing)
            return {lane: self._receive(round_) for lane, (round_, _) in requests.items()}
        except BaseException as error:
            self.fail(error)
            raise

    def _send(self, round_: Round, outgoing: Mapping[int, Sequence[Buffer]]) -> None:
        for message in round_.messages:
            if message.sender == self.party:
                buffers = outgoing[message.receiver]
                if sum(buffer.nbytes for buffer in buffers) != message.size:
                    raise ValueError("a frame is not as long as its round says")
                self._channel.send(message.receiver, round_.kind, buffers)

    def _receive(self, round_: Round) -> Received:
        return {
            message.sender: self._channel.receive(message.sender, round_.kind, message.size)
            for message in round_.messages
            if message.receiver == self.party
        }

    def fail(self, error: BaseException) -> None:
        """Burns the keys and ends the session at every party."""
        self._keys.burn()
        ours = error if isinstance(error, TacitError) else InternalError("a round failed")
        self._channel.abort(ours)


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
