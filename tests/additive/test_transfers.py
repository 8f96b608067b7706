"""Oblivious transfers: what each end learns, and what it does not."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings as sodium
from tacit.executor.sharing.ot.base import BaseReceiver, BaseSender
from tacit.executor.sharing.ot.extension import (
    SECURITY,
    ExtensionReceiver,
    ExtensionSender,
    extension_bytes,
)
from tacit.executor.sharing.ot.group import checked, hash_to_point, random_point
from tacit.executor.sharing.ot.hashing import TransferHash
from tacit.executor.sharing.ot.punctured import deal, path_choices, recover
from tacit.executor.transport.channel import Kind
from tacit.query.errors import PeerViolationError

IDENTITY = bytes([1]) + bytes(31)
ORDER_TWO = bytes([0xEC]) + b"\xff" * 30 + bytes([0x7F])
OUTSIDE = bytes(sodium.crypto_core_ed25519_add(random_point(), ORDER_TWO))
NOT_CANONICAL = (2**255 - 19 + 3).to_bytes(32, "little")


def base(choices, *, sender=b"session", receiver=b"session"):
    """The sender's pairs and the receiver's keys of some base transfers."""
    one, other = BaseSender(sender), BaseReceiver(receiver, choices)
    return one.keys(other.message, 1), other.keys(one.message, 0)


def test_base_transfers_give_the_chosen_key_and_not_the_other():
    choices = [0, 1, 1, 0, 1]
    pairs, keys = base(choices)
    for choice, pair, key in zip(choices, pairs, keys, strict=True):
        assert key == pair[choice]
        assert key != pair[1 - choice]
    assert len({key for pair in pairs for key in pair}) == 2 * len(choices)


def test_base_transfers_of_different_sessions_do_not_agree():
    pairs, keys = base([0, 1], receiver=b"another session")
    assert not {key for pair in pairs for key in pair} & set(keys)


def test_the_receivers_points_do_not_show_its_choice():
    """Its point is a group element without structure: either choice could have made it."""
    for choice in (0, 1):
        message = BaseReceiver(b"session", [choice] * 64).message
        points = [message[at : at + 32] for at in range(0, len(message), 32)]
        assert all(sodium.crypto_core_ed25519_is_valid_point(point) for point in points)
        assert len(set(points)) == len(points)


@pytest.mark.parametrize(
    "point",
    [
        IDENTITY,
        ORDER_TWO,
        OUTSIDE,
        NOT_CANONICAL,
        bytes(32),
        b"\xff" * 32,
        b"\x02" + bytes(31),
    ],
    ids=["identity", "order two", "outside", "not canonical", "zeros", "ones", "no point"],
)
def test_bytes_that_are_no_point_of_the_prime_order_group_are_refused(point):
    with pytest.raises(PeerViolationError, match="party 7"):
        checked(point, 7)
    with pytest.raises(PeerViolationError):
        BaseSender(b"s").keys(point + random_point(), 1)
    with pytest.raises(PeerViolationError):
        BaseReceiver(b"s", [0]).keys(point, 0)


def test_an_invalid_point_ends_the_session_at_every_party(parties, monkeypatch):
    from tacit.executor.sharing.ot import transfers

    class Cheat(BaseSender):
        def __init__(self, context):
            super().__init__(context)
            self.message = IDENTITY if context.endswith(b"1 chooses from 0") else self.message

    monkeypatch.setattr(transfers, "BaseSender", Cheat)
    parties(2, lambda p: None, expect_errors=True)
    assert isinstance(parties.errors[0], PeerViolationError)
    assert parties.errors[1] is not None


def test_hashing_to_a_point_is_deterministic_and_separates_its_parts():
    assert hash_to_point(b"a", b"bc") == hash_to_point(b"a", b"bc")
    assert hash_to_point(b"a", b"bc") != hash_to_point(b"ab", b"c")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_all_leaves_of_a_punctured_tree_but_one_are_recovered(depth):
    for index in range(1 << depth):
        choices = path_choices(index, depth)
        pairs, keys = base(choices)
        leaves, offers = deal(pairs)
        found = recover(index, keys, offers)
        assert found[index] is None
        assert [leaf for leaf in found if leaf] == leaves[:index] + leaves[index + 1 :]


def extension_ends(fold):
    """Both ends of an extension, as the base transfers leave them."""
    blocks = SECURITY // fold
    seeds = [[os.urandom(16) for _ in range(1 << fold)] for _ in range(blocks)]
    hidden = [byte % (1 << fold) for byte in os.urandom(blocks)]
    punctured = [
        [None if place == index else seed for place, seed in enumerate(block)]
        for block, index in zip(seeds, hidden, strict=True)
    ]
    return ExtensionReceiver(seeds), ExtensionSender(punctured, hidden)


@pytest.mark.parametrize("fold", [1, 2, 4, 8])
@pytest.mark.parametrize("words", [1, 3, 1500])
def test_extended_transfers_correlate_by_the_choice_bit(fold, words):
    receiver, sender = extension_ends(fold)
    for _ in range(2):
        choices = np.frombuffer(os.urandom(8 * words), np.uint64)
        rows, message = receiver.extend(choices)
        bits = np.unpackbits(choices.view(np.uint8), bitorder="little")
        assert np.array_equal(sender.extend(message), rows ^ bits[:, None] * sender.delta)
        assert message.nbytes == extension_bytes(64 * words, fold)
        assert message.nbytes * 8 == 64 * words * SECURITY // fold


def test_the_receivers_message_looks_uniform_whatever_its_choices():
    for choices in (np.zeros(2048, np.uint64), np.full(2048, 2**64 - 1, np.uint64)):
        receiver, _ = extension_ends(4)
        message = receiver.extend(choices)[1]
        ones = np.bitwise_count(message).sum()
        assert abs(int(ones) - message.size * 32) < 6 * (message.size * 16) ** 0.5


def test_flipping_choice_bits_tells_the_receiver_nothing_of_the_other_message():
    """Whatever bits it chooses, the hash of the row that it lacks agrees with what it can compute
    in half of all bits: neither its own row nor the flipped choice's predicts it."""
    receiver, sender = extension_ends(4)
    digest = TransferHash(b"session")
    for choices in (np.zeros(512, np.uint64), np.full(512, 2**64 - 1, np.uint64)):
        rows, message = receiver.extend(choices)
        lacking = digest.rows(rows ^ sender.delta, 0, 16)
        sender.extend(message)
        for known in (rows, digest.rows(rows, 0, 16), digest.rows(rows, 1, 16)):
            agreeing = np.unpackbits(~(known ^ lacking)).sum()
            assert abs(int(agreeing) - known.size * 4) < 6 * (known.size * 2) ** 0.5


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 2**40))
@settings(max_examples=25, deadline=None)
def test_the_hash_depends_on_session_index_and_block(rows, size, first):
    inputs = np.frombuffer(os.urandom(16 * rows), np.uint8).reshape(rows, 16)
    own = TransferHash(b"one").rows(inputs, first, size)
    assert own.shape == (rows, size)
    assert np.array_equal(own, TransferHash(b"one").rows(inputs, first, size))
    whole = TransferHash(b"one").rows(inputs, first, 48)
    assert np.array_equal(whole[:, :size], own)
    assert not np.array_equal(whole, TransferHash(b"two").rows(inputs, first, 48))
    assert not np.array_equal(whole, TransferHash(b"one").rows(inputs, first + 1, 48))
    assert not np.array_equal(whole[:, :16], whole[:, 16:32])


def test_no_transfer_is_numbered_twice(parties):
    def run(p):
        firsts = []
        for _ in range(3):
            plane = np.zeros(2, np.uint64)
            (peer,) = p._link.peers
            batch = p._transfers.extend({peer: plane}, {peer: 2})
            firsts.append((batch.received[peer].first, batch.sent[peer].first))
        return firsts

    assert parties(2, run) == [[(0, 0), (128, 128), (256, 256)]] * 2


def test_a_correlation_is_handed_out_once(parties):
    """What the stock gave is gone; the same gate again takes, or makes, other triples."""

    def run(p):
        first = p._stock.bits(4, 1)
        second = p._stock.bits(4, 1)
        p._stock.doubles(2, 64)
        assert not any(p._stock._held.values())
        return first.a, second.a

    for first, second in parties(2, run):
        assert not np.array_equal(first, second)


def test_a_replayed_extension_message_gives_other_transfers():
    """The streams have moved on, so an old message no longer fits: nothing is used again."""
    receiver, sender = extension_ends(4)
    choices = np.frombuffer(os.urandom(80), np.uint64)
    rows, message = receiver.extend(choices)
    first = sender.extend(message)
    again = sender.extend(message)
    assert not np.array_equal(first, again)
    assert not np.array_equal(again, rows)


def test_preprocessing_that_was_made_ahead_needs_no_transfers_online(parties):
    from tacit.executor.sharing.additive.pool import Demand

    def run(p):
        before = p._link._channel.counters.sent_messages
        p._stock.bits(3, 1), p._stock.bits(2, 9), p._stock.products(5, 64), p._stock.doubles(1, 32)
        return p._link._channel.counters.sent_messages - before

    demand = Demand([("bits", 1, 3), ("bits", 9, 2), ("products", 64, 5), ("doubles", 32, 1)])
    assert parties(2, run, demand=demand) == [0, 0]
    assert Kind.OT_EXTEND != Kind.OT_CORRECT
