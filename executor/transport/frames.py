"""The bytes of a frame: a fixed header, then the payload.

    magic 4 | version 1 | kind 1 | zero 2 | sequence number 8 | depth 8 | payload length 8

Little-endian. Every field is known to the receiver beforehand, except the depth; it is compared
before anything is allocated for the payload. An ABORT frame may stand in the place of any other:
its payload is a short text that says why its sender ended the session.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ...query.errors import PeerError, PolicyError, SessionError, TacitError, UserError
from .channel import Kind

HEADER = struct.Struct("<4sBBHQQQ")
HEADER_BYTES = HEADER.size
MAGIC = b"tact"
VERSION = 1
ABORT = 255
MAX_ABORT_BYTES = 512
_MAX_DEPTH = 2**48


class Header(NamedTuple):
    magic: bytes
    version: int
    kind: int
    zero: int
    sequence: int
    depth: int
    length: int


def encode_header(kind: int, sequence: int, depth: int, length: int) -> bytes:
    """The header of one frame."""
    return HEADER.pack(MAGIC, VERSION, kind, 0, sequence, depth, length)


def decode_header(data: bytes | bytearray | memoryview) -> Header:
    """The header at the start of `data`, not yet checked."""
    return Header._make(HEADER.unpack_from(data))


def find_violation(
    header: Header, *, kind: Kind, sequence: int, least_depth: int, size: int
) -> str | None:
    """What is wrong with a frame's header given what is due; None if nothing is."""
    if header.magic != MAGIC or header.version != VERSION or header.zero != 0:
        return "something that is not a frame of this version"
    if header.kind != kind:
        return f"a frame of kind {kind_name(header.kind)} where {kind.name} was due"
    if header.length != size:
        return f"{header.length} bytes of {kind.name} where {size} were due"
    if header.sequence != sequence:
        return f"frame number {header.sequence} where {sequence} was due"
    if not least_depth <= header.depth < _MAX_DEPTH:
        return f"a frame of depth {header.depth} after one of {least_depth}"
    return None


def kind_name(kind: int) -> str:
    """A kind's name, or its number if there is no such kind."""
    try:
        return Kind(kind).name
    except ValueError:
        return str(kind)


def encode_abort(reason: TacitError) -> bytes:
    """A whole ABORT frame that tells the peers as much of `reason` as concerns them."""
    text = public_text(reason).encode("utf-8", "replace")[:MAX_ABORT_BYTES]
    return encode_header(ABORT, 0, 0, len(text)) + text


def decode_abort(payload: bytes | bytearray | memoryview) -> str:
    """The text of an ABORT frame, with nothing in it that could confuse a terminal or a log."""
    text = bytes(payload[:MAX_ABORT_BYTES]).decode("utf-8", "ignore")
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(clean.split()) or "no reason given"


def public_text(reason: TacitError) -> str:
    """What the peers may read of a reason.

    Errors about sessions and peers speak of public things only. The others can quote rows, files
    or policies of one party and are replaced by their category.
    """
    match reason:
        case PeerError() | SessionError():
            return str(reason)
        case PolicyError():
            return "its policy refuses the query"
        case UserError():
            return "its data or configuration do not allow the query to run"
        case _:
            return "an internal error"
