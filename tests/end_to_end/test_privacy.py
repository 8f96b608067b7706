"""What crosses the wire depends on public facts alone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from records import Record


def test_transcripts_do_not_depend_on_the_rows(recorded_clinics: list[Any], record: Record) -> None:
    """Kinds and sizes of all frames of every party are the same for every data set.

    Where a quicksort runs, sizes are random; radix sort stands in for it here, so that everything
    around the sort is compared exactly, and the quicksort has a test of distributions of its own.
    """
    transcripts = [
        clinic.query(record.script, sort="radix").transcripts for clinic in recorded_clinics
    ]
    assert all(any(party) for party in transcripts)
    assert transcripts[0] == transcripts[1] == transcripts[2]


SENTINEL_CATALOG = """
CREATE TABLE accounts (
    id BIGINT CHECK (id BETWEEN 0 AND 4611686018427387903) PRIMARY KEY,
    balance BIGINT CHECK (balance BETWEEN 0 AND 36028797018963967) NOT NULL,
    holder VARCHAR(16) NOT NULL
) OWNED BY alice ROWS 8;
CREATE TABLE payments (
    account BIGINT CHECK (account BETWEEN 0 AND 4611686018427387903) NOT NULL,
    amount DECIMAL(12,2) CHECK (amount BETWEEN 0 AND 9999999999.99) NOT NULL
) OWNED BY bob ROWS 8;
"""


def test_no_row_value_crosses_the_wire(federate: Callable[..., Any]) -> None:
    """Planted values are in no captured frame, in any of the forms that they are encoded in."""
    ids = [0x1234567890ABCDE, 0x0FEDCBA987654321]
    data = {
        "alice": {
            "accounts": pa.table(
                {
                    "id": pa.array(ids, pa.int64()),
                    "balance": pa.array([0x0033AAAA5555CCCC, 0x0022BBBB7777DDDD], pa.int64()),
                    "holder": pa.array(["SENTINEL-HOLDER1", "SENTINEL-HOLDER2"]),
                }
            )
        },
        "bob": {
            "payments": pa.table(
                {
                    "account": pa.array([ids[0], ids[0], ids[1]], pa.int64()),
                    "amount": pa.array(
                        [Decimal("8765432109.87"), Decimal("1234567890.12"), Decimal("99.10")],
                        pa.decimal128(12, 2),
                    ),
                }
            )
        },
    }
    federation = federate(SENTINEL_CATALOG, data, record=True)
    outcome = federation.query(
        "SELECT count(*) AS n FROM accounts, payments WHERE id = account AND balance > amount"
    )
    assert outcome.table.column("n").to_pylist() == [3]
    planted = [*ids, 0x0033AAAA5555CCCC, 0x0022BBBB7777DDDD, 876543210987, 123456789012]
    needles = [value.to_bytes(8, "little") for value in planted]
    needles += [value.to_bytes(8, "big") for value in planted]
    needles += [b"SENTINEL", b"SENTINEL"[::-1]]
    frames = [frame for party in outcome.captured for frame in party]
    assert frames
    for needle in needles:
        assert not any(needle in frame for frame in frames)


OWN_ROWS = {"alice": 0, "bob": 40, "carol": None}
"""Where each party's own visits begin in the union of alice's 40 and bob's."""


def foreign_planes(share: Any, own: int | None) -> list[np.ndarray]:
    """The planes of each component, and of the two together, for the rows that came from another
    party, where these are enough to tell something."""
    first, second = (
        np.unpackbits(part.view(np.uint8), axis=1, bitorder="little") for part in share.parts
    )
    both = [first, second] + ([first ^ second] if first.any() and second.any() else [])
    places = [place for place in (0, 40) if place != own]
    planes = (plane for bits in both for plane in bits)
    found = [plane[place : min(place + 40, share.rows)] for plane in planes for place in places]
    return [plane for plane in found if plane.size == 40]


@pytest.mark.parametrize(
    "made",
    [
        "SELECT * FROM visits",
        "SELECT person_id, cost, nights FROM visits JOIN people ON person_id = id WHERE urgent",
        "SELECT cost, count(*) AS n, sum(nights) AS total FROM visits GROUP BY cost",
    ],
)
def test_stored_shares_say_nothing(recorded_clinics: list[Any], made: str) -> None:
    """What a party keeps of others' rows is random bits (or a component that is 0 by protocol),
    whether all rows are alike or not, and everything has the same sizes."""
    shapes = []
    for clinic in recorded_clinics:
        state = clinic.after((f"CREATE SHARED TABLE made AS {made}",))
        shapes.append([])
        for party, shelf in state.shelves.items():
            _, shares = shelf.tables["made"]
            shapes[-1] += [(share.rows, share.width) for share in shares]
            for share in shares:
                for plane in foreign_planes(share, OWN_ROWS[party]):
                    assert not plane.any() or 0.1 < plane.mean() < 0.9
    assert shapes[0] == shapes[1] == shapes[2]


def test_shares_may_be_opened_again_and_again(recorded_clinics: list[Any]) -> None:
    """Two queries over one shared table send different bytes, of the same sizes."""
    sql = (
        "CREATE SHARED TABLE twice AS SELECT * FROM visits; "
        "SELECT ward, sum(cost) FROM twice GROUP BY ward"
    )
    for clinic in recorded_clinics:
        first, second = (clinic.query(sql, sort="radix") for _ in range(2))
        assert first.transcripts == second.transcripts
        for before, after in zip(first.captured, second.captured, strict=True):
            frames = {frame for frame in before if len(frame) >= 64}
            assert frames
            assert not frames & set(after)
