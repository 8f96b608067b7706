"""Shares at rest: sealed, bound to party, table and version; nothing half is ever read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tacit.executor.party.settings import PartySettings
from tacit.executor.party.shared_tables import SHARED_DIRECTORY, SharedTables
from tacit.executor.party.table_files import DamagedFileError, Safe, file_bytes, storage_key
from tacit.executor.party.table_schema import restore_schema, schema_text
from tacit.executor.sharing.shares import Bits, words
from tacit.executor.transport.identity import create_identity
from tacit.planner.secure import SecurePlan, Store, Stored
from tacit.query.bounds import domain_encoding, text_encoding
from tacit.query.catalog import ColumnDefinition, SharedKey, Sharing, Table
from tacit.query.datatypes import (
    BIGINT,
    DATE,
    DOUBLE,
    DecimalType,
    DoubleType,
    Encoding,
    VarcharType,
)
from tacit.query.errors import SessionError

ROWS = 100
MERCY = Safe(key=b"m" * 32, party="mercy", index=0)
FIRST, SECOND = "0a" * 16, "0b" * 16


def column(name: str, kind: Any, encoding: Encoding, *, nullable: bool = False) -> ColumnDefinition:
    return ColumnDefinition(name=name, type=kind, nullable=nullable, encoding=encoding)


COLUMNS = (
    column("id", BIGINT, Encoding(lo=1, hi=500)),
    column("cost", DecimalType(9, 2), Encoding(lo=-5, hi=10**8), nullable=True),
    column("mean", DOUBLE, Encoding(lo=0, hi=2**70, fraction_bits=40), nullable=True),
    column("size", DoubleType(3), Encoding(lo=0, hi=0)),
    column("day", DATE, Encoding(lo=0, hi=9999)),
    column("sex", VarcharType(1), domain_encoding(["F", "é"]), nullable=True),
    column("note", VarcharType(9000), text_encoding(9000)),
    column("word", VarcharType(), domain_encoding(["yes"])),
)


def table(name: str = "t", version: str = "one", columns: Any = COLUMNS[:6]) -> Table:
    sharing = Sharing(
        version=version,
        holders=("mercy", "grace", "registry"),
        creator="grace",
        statement="CREATE SHARED TABLE t AS SELECT ...",
        sources=(("grace", "visits"), ("mercy", "visits")),
        keys=(SharedKey(columns=("id",), by_contract=True),),
        smallest=tuple(1 for _ in columns),
        averages=((1, 0, 77),),
    )
    return Table(name=name, columns=columns, owners=(), rows=ROWS, sharing=sharing)


def shares_of(made: Table, seed: int = 1) -> list[Bits]:
    generator = np.random.default_rng(seed)

    def planes(width: int) -> Bits:
        shape = (2, width, words(ROWS))
        parts = generator.integers(0, 2**64, shape, np.uint64, endpoint=False)
        return Bits(ROWS, width, (parts[0], parts[1]))

    found = []
    for one in made.columns:
        assert one.encoding is not None
        found += [planes(one.encoding.width)] + ([planes(1)] if one.nullable else [])
    return [*found, planes(1)]


def same(left: list[Bits], right: list[Bits]) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(x, y)
        for a, b in zip(left, right, strict=True)
        for x, y in zip(a.parts, b.parts, strict=True)
    )


def stored(made: Table, *places: int) -> Stored:
    assert made.sharing is not None
    return Stored(
        columns=(), rows=made.rows, table=made.name, version=made.sharing.version, places=places
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    MERCY.write(path, "label", table(), shares_of(table()))
    return path


def test_a_schema_survives_as_text() -> None:
    whole = table(columns=COLUMNS)
    assert restore_schema(schema_text(whole)) == whole


def test_shares_come_back_as_they_were(written: Path) -> None:
    made, shares = MERCY.read(written, "label", range(6))
    assert made == table()
    assert same(shares, shares_of(table()))
    _, some = MERCY.read(written, "label", [1])
    assert same(some, [*shares_of(table())[1:3], shares_of(table())[-1]])


def test_what_is_on_disk_looks_random_and_is_readable_by_its_owner_alone(written: Path) -> None:
    content = written.read_bytes()
    assert b"visits" not in content
    assert b"cost" not in content
    for share in shares_of(table()):
        for part in share.parts:
            assert part.size == 0 or part.tobytes()[:16] not in content
    assert written.stat().st_mode & 0o077 == 0
    MERCY.write(written, "label", table(), shares_of(table()))
    assert written.read_bytes()[40:72] != content[40:72]


@pytest.mark.parametrize("place", [3, 30, 200, -1, -40, -900])
def test_a_changed_byte_is_noticed(written: Path, place: int) -> None:
    content = bytearray(written.read_bytes())
    content[place] ^= 1
    written.write_bytes(content)
    with pytest.raises(DamagedFileError):
        MERCY.read(written, "label", range(6))


@pytest.mark.parametrize("length", [0, 5, 20, 500, -1, -900])
def test_a_file_that_was_cut_short_is_noticed(written: Path, length: int) -> None:
    written.write_bytes(written.read_bytes()[:length])
    with pytest.raises(DamagedFileError):
        MERCY.schema(written, "label")


def test_a_file_that_grew_is_noticed(written: Path) -> None:
    with written.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DamagedFileError, match="something was added"):
        MERCY.schema(written, "label")


@pytest.mark.parametrize(
    "other",
    [
        Safe(key=b"x" * 32, party="mercy", index=0),
        Safe(key=b"m" * 32, party="grace", index=0),
        Safe(key=b"m" * 32, party="mercy", index=1),
    ],
)
def test_a_file_of_another_party_is_foreign(written: Path, other: Safe) -> None:
    with pytest.raises(DamagedFileError, match="of another party"):
        other.schema(written, "label")


def test_pieces_of_another_version_do_not_fit(tmp_path: Path) -> None:
    """Neither files under another name, nor the pieces of one version behind another's schema."""
    old, new = tmp_path / "old", tmp_path / "new"
    MERCY.write(old, "label", table(version="one"), shares_of(table(), 1))
    MERCY.write(new, "label", table(version="two"), shares_of(table(), 2))
    with pytest.raises(DamagedFileError):
        MERCY.schema(old, "another")
    size = file_bytes(table())
    old.write_bytes(old.read_bytes()[:-size] + new.read_bytes()[-size:])
    assert MERCY.schema(old, "label") == table(version="one")
    with pytest.raises(DamagedFileError):
        MERCY.read(old, "label", [0])


def test_columns_of_equal_size_cannot_change_places(tmp_path: Path) -> None:
    twins = table(columns=(COLUMNS[0], column("other", BIGINT, Encoding(lo=1, hi=500))))
    path = tmp_path / "file"
    MERCY.write(path, "label", twins, shares_of(twins))
    content, size = path.read_bytes(), file_bytes(twins)
    head, body = content[:-size], content[-size:]
    one = 9 * words(ROWS) * 16 + 28
    path.write_bytes(head + body[one : 2 * one] + body[:one] + body[2 * one :])
    with pytest.raises(DamagedFileError):
        MERCY.read(path, "label", [0])


def test_the_key_follows_from_the_private_key_alone(tmp_path: Path) -> None:
    mercy, grace = (create_identity(tmp_path / name, name) for name in ("mercy", "grace"))
    assert storage_key(mercy.key_pem()) == storage_key(mercy.key_pem())
    assert storage_key(mercy.key_pem()) != storage_key(grace.key_pem())
    assert len(storage_key(mercy.key_pem())) == 32


# What a party keeps


def keep(directory: Path, settings: PartySettings | None = None) -> SharedTables:
    return SharedTables(directory, MERCY, settings or PartySettings())


def plan_for(made: Table) -> SecurePlan:
    root = Store(columns=(), rows=ROWS, input=stored(made), table=made, replace=False)
    return SecurePlan(
        root=root, protocol="replicated", parties=("a", "b", "c"), asker="a", statement="s"
    )


def make(tables: SharedTables, name: str = "t", *, session: str = FIRST, upto: str = "") -> Table:
    """Runs a session that makes a table up to a step."""
    plan = plan_for(table(name, version=""))
    assert isinstance(plan.root, Store)
    shelf = tables.shelf(session, plan)
    shelf.prepare(plan.root, shares_of(plan.root.table))
    for step in ("vouch", "commit"):
        if upto == step:
            break
        getattr(shelf, step)()
    shelf.close()
    return tables.tables().get(name, plan.root.table)


def test_a_kept_table_outlives_the_node(tmp_path: Path) -> None:
    made = make(keep(tmp_path))
    again = keep(tmp_path)
    assert again.tables() == {"t": made}
    assert again.version("t").startswith(f"{FIRST}.")
    assert same(again.read(stored(made, 0)), [shares_of(made)[0], shares_of(made)[-1]])


def test_what_no_party_vouched_for_leaves_nothing(tmp_path: Path) -> None:
    tables = keep(tmp_path)
    make(tables, upto="vouch")
    assert not tables.exists("t")
    assert list((tmp_path / SHARED_DIRECTORY).iterdir()) == []


@pytest.mark.parametrize("restarted", [False, True])
def test_a_table_in_doubt_is_incomplete_and_can_be_dropped(tmp_path: Path, restarted: bool) -> None:
    tables = keep(tmp_path)
    make(tables, upto="commit")
    tables = keep(tmp_path) if restarted else tables
    assert tables.tables() == {}
    assert tables.incomplete() == ("t",)
    with pytest.raises(SessionError, match="t of mercy cannot be read: it is incomplete"):
        tables.check("t")
    assert tables.drop("t")
    assert tables.incomplete() == ()
    tables.check("t")
    assert list((tmp_path / SHARED_DIRECTORY).iterdir()) == []
    assert make(tables) == keep(tmp_path).tables()["t"]


def test_an_older_version_stays_while_a_newer_one_is_in_doubt(tmp_path: Path) -> None:
    tables = keep(tmp_path)
    old = make(tables)
    make(tables, session=SECOND, upto="commit")
    for seen in (tables, keep(tmp_path)):
        assert seen.tables() == {"t": old}
        seen.check("t")


def test_a_new_version_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    tables = keep(tmp_path)
    old = make(tables)
    new = make(tables, session=SECOND)
    assert tables.version("t").startswith(f"{SECOND}.")
    tables.read(stored(new, 0))
    with pytest.raises(SessionError, match="no longer holds this version"):
        tables.read(stored(old, 0))


def test_a_damaged_table_is_told_by_name_and_does_not_hide_others(tmp_path: Path) -> None:
    tables = keep(tmp_path)
    make(tables, "other")
    (sound,) = (tmp_path / SHARED_DIRECTORY).iterdir()
    made = make(tables, "t")
    (path,) = set((tmp_path / SHARED_DIRECTORY).iterdir()) - {sound}
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SessionError, match="t of mercy cannot be read: its file is damaged"):
        tables.read(stored(made, 0))
    path.write_bytes(content[:-1])
    again = keep(tmp_path)
    assert list(again.tables()) == ["other"]
    with pytest.raises(SessionError, match="DROP TABLE t removes it"):
        again.check("t")
    sound.rename(path)
    with pytest.raises(SessionError, match="of another party, key, table or version"):
        keep(tmp_path).check("t")
    assert keep(tmp_path).drop("t")


def test_names_are_not_paths(tmp_path: Path) -> None:
    tables = keep(tmp_path)
    name = "../../secret/\0 é"
    made = make(tables, name)
    assert keep(tmp_path).tables() == {name: made}
    assert [path.parent for path in tmp_path.glob("*/*")] == [tmp_path / SHARED_DIRECTORY]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (PartySettings(max_shared_tables=1), "keeps 1 shared tables already"),
        (
            PartySettings(max_shared_bytes=2 * file_bytes(table()) + 1),
            "keeps [0-9,]+ already, and allows at most",
        ),
    ],
)
def test_what_a_party_keeps_is_limited(tmp_path: Path, settings: PartySettings, told: str) -> None:
    tables = keep(tmp_path, settings)
    for name in ("t", "other")[: settings.max_shared_tables]:
        tables.check_room(plan_for(table(name)).root)
        make(tables, name)
    tables.check_room(plan_for(table("t")).root)
    with pytest.raises(SessionError, match=told):
        tables.check_room(plan_for(table("third")).root)
