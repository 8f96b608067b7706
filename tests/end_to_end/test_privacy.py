"""What crosses the wire depends on public facts alone."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa


def test_transcripts_do_not_depend_on_the_rows(
    recorded_clinics: list[Any], record: tuple[str, str, bool]
) -> None:
    """Kinds and sizes of all frames of every party are the same for every data set.

    Where a quicksort runs, sizes are random; radix sort stands in for it here, so that everything
    around the sort is compared exactly, and the quicksort has a test of distributions of its own.
    """
    _, sql, _ = record
    transcripts = [clinic.query(sql, sort="radix").transcripts for clinic in recorded_clinics]
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
