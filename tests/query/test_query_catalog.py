"""catalog.sql: bounds, keys, owners, public files; contradictions with their place."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tacit.query import load_catalog
from tacit.query.catalog import ForeignKey, Table
from tacit.query.datatypes import DATE, DecimalType, DoubleType, Encoding, VarcharType
from tacit.query.errors import CatalogError, ConfigurationError, SqlSyntaxError

PARTIES = ("mercy", "grace", "registry")


def load(text: str) -> dict[str, Table]:
    """The tables of a catalog."""
    return load_catalog(text, parties=PARTIES).tables


def encoding(column: str) -> Encoding | None:
    """The encoding of a single declared column called x."""
    return load(f"CREATE TABLE t ({column}) OWNED BY mercy ROWS 5")["t"].columns[0].encoding


def test_a_table() -> None:
    """Names in lower case, owners as the federation spells them, keys and foreign keys."""
    tables = load(
        """CREATE TABLE Patients (ID INTEGER PRIMARY KEY, Born DATE, "Two Words" TEXT NOT NULL)
        OWNED BY REGISTRY ROWS 10;
        CREATE TABLE visits (
            patient INTEGER REFERENCES patients UNIQUE, ward VARCHAR(3), number INTEGER,
            PRIMARY KEY (Patient, number), UNIQUE (ward, number),
            FOREIGN KEY (number) REFERENCES Patients (id)
        ) OWNED BY mercy, grace ROWS 20;"""
    )
    patients, visits = tables["patients"], tables["visits"]
    assert patients.owners == ("registry",)
    assert [c.name for c in patients.columns] == ["id", "born", "two words"]
    assert [c.nullable for c in patients.columns] == [False, True, False]
    assert patients.column("born").type == DATE
    assert visits.owners == ("mercy", "grace")
    assert visits.rows == 20
    assert visits.primary_key == ("patient", "number")
    assert [c.nullable for c in visits.columns] == [False, True, False]
    assert visits.unique == (("patient",), ("ward", "number"))
    assert set(visits.foreign_keys) == {
        ForeignKey(columns=("patient",), table="patients", referenced=("id",)),
        ForeignKey(columns=("number",), table="patients", referenced=("id",)),
    }


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("x BOOLEAN", 0, 1),
        ("x TINYINT", -128, 127),
        ("x SMALLINT", -(2**15), 2**15 - 1),
        ("x INT", -(2**31), 2**31 - 1),
        ("x BIGINT", -(2**62), 2**62 - 1),
        ("x DECIMAL(5,2)", -99999, 99999),
        ("x NUMERIC(3)", -999, 999),
        ("x DATE", -719162, 2932896),
        ("x INTEGER CHECK (x BETWEEN 1 AND 9)", 1, 9),
        ("x INTEGER CHECK (x >= 1 AND x < 9)", 1, 8),
        ("x INTEGER CHECK (x > 1) CHECK (9 >= x)", 2, 9),
        ("x INTEGER CHECK (x IN (7, 3, 5))", 3, 7),
        ("x INTEGER CHECK (x = 4)", 4, 4),
        ("x INTEGER CHECK (x BETWEEN 0.5 AND 3.5)", 1, 3),
        ("x INTEGER CHECK (x > 0.5 AND x < 3.5)", 1, 3),
        ("x INTEGER CHECK (x BETWEEN -2 - 3 AND 2 * 4)", -5, 8),
        ("x SMALLINT CHECK (x BETWEEN 0 AND 100000)", 0, 2**15 - 1),
        ("x DECIMAL(9,2) CHECK (x BETWEEN 0 AND 999.99)", 0, 99999),
        ("x DECIMAL(9,2) CHECK (x BETWEEN -1 AND 1)", -100, 100),
        ("x DECIMAL(9,2) CHECK (x < 1)", -999999999, 99),
        ("x DOUBLE(2) CHECK (x BETWEEN 0 AND 1.5)", 0, 150),
        ("x DATE CHECK (x BETWEEN DATE '1970-01-02' AND '1970-02-01')", 1, 31),
        ("x DATE CHECK (x >= DATE '1970-01-01' AND x < DATE '1970-01-01' + INTERVAL '1' YEAR)",
         0, 364),
        ("x TIMESTAMP CHECK (x BETWEEN TIMESTAMP '1970-01-01 00:00:01' AND DATE '1970-01-02')",
         1_000_000, 86_400_000_000),
    ],
)  # fmt: skip
def test_bounds(column: str, low: int, high: int) -> None:
    """The range of encoded values."""
    assert encoding(column) == Encoding(lo=low, hi=high)


def test_string_encodings() -> None:
    """Domains sort by UTF-8 bytes; lengths count bytes; unbounded strings have no encoding."""
    domain = encoding("x VARCHAR(4) CHECK (x IN ('ä', 'b', 'Z', 'b'))")
    assert domain == Encoding(lo=0, hi=2, domain=("Z", "b", "ä"))
    assert encoding("x VARCHAR(2)") == Encoding(lo=0, hi=65535, text_bytes=2)
    assert encoding("x VARCHAR") is None
    assert encoding("x TEXT CHECK (x = 'only')") == Encoding(lo=0, hi=0, domain=("only",))


def test_types_are_kept() -> None:
    """DECIMAL, DOUBLE and VARCHAR keep their parameters."""
    columns = load(
        """CREATE TABLE t (a DECIMAL(9,2), b DOUBLE(3) CHECK (b BETWEEN 0 AND 1), c VARCHAR(7))
        OWNED BY mercy ROWS 5"""
    )["t"].columns
    assert [c.type for c in columns] == [DecimalType(9, 2), DoubleType(3), VarcharType(7)]
    assert [c.checked for c in columns] == [False, True, False]


def test_table_checks_bound_their_columns() -> None:
    """A CHECK behind the columns may bound several of them."""
    columns = load(
        """CREATE TABLE t (a INTEGER, b INTEGER, CHECK (a BETWEEN 1 AND 5 AND b > 0))
        OWNED BY mercy ROWS 5"""
    )["t"].columns
    assert [(c.encoding.lo, c.encoding.hi) for c in columns if c.encoding] == [
        (1, 5),
        (1, 2**31 - 1),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "a catalog holds CREATE TABLE"),
        ("CREATE TABLE t (a INTEGER) ROWS 5", "the table t has no owner"),
        ("CREATE TABLE t (a INTEGER) OWNED BY mercy", "the table t states no ROWS"),
        ("CREATE TABLE t (a INTEGER) OWNED BY mery ROWS 5", "did you mean mercy?"),
        ("CREATE TABLE t (a INTEGER) OWNED BY mercy, Mercy ROWS 5", "an owner is named twice"),
        ("CREATE TABLE t (a INTEGER) OWNED BY mercy ROWS 0", "ROWS must be from 1"),
        ("CREATE TABLE t (a INTEGER, A DATE) OWNED BY mercy ROWS 5", "A is declared twice"),
        ("CREATE TABLE t (a INTEGR) OWNED BY mercy ROWS 5", "did you mean integer?"),
        ("CREATE TABLE t (a REAL) OWNED BY mercy ROWS 5", "DOUBLE(s)"),
        ("CREATE TABLE t (a DOUBLE) OWNED BY mercy ROWS 5", "write DOUBLE(s)"),
        ("CREATE TABLE t (a DOUBLE(2)) OWNED BY mercy ROWS 5", "a needs bounds"),
        ("CREATE TABLE t (a DOUBLE(2) CHECK (a > 0)) OWNED BY mercy ROWS 5", "lower and an upper"),
        ("CREATE TABLE t (a VARCHAR(0)) OWNED BY mercy ROWS 5", "at least 1"),
        ("CREATE TABLE t (a INTEGER CHECK (b > 0)) OWNED BY mercy ROWS 5", "no column b"),
        ("CREATE TABLE t (a INTEGER CHECK (a > 5 AND a < 3)) OWNED BY mercy ROWS 5", "no value"),
        ("CREATE TABLE t (a INTEGER CHECK (a > 0 OR a < 9)) OWNED BY mercy ROWS 5", "not a bound"),
        ("CREATE TABLE t (a INTEGER CHECK (a + 1 > 0)) OWNED BY mercy ROWS 5", "not a bound"),
        ("CREATE TABLE t (a INTEGER, b DATE CHECK (a < a)) OWNED BY mercy ROWS 5", "not a"),
        ("CREATE TABLE t (a INTEGER CHECK (a > NULL)) OWNED BY mercy ROWS 5", "against NULL"),
        ("CREATE TABLE t (a INTEGER CHECK (a IN (SELECT 1))) OWNED BY mercy ROWS 5", "a query"),
        ("CREATE TABLE t (a VARCHAR(2) CHECK (a > 'b')) OWNED BY mercy ROWS 5", "bounded by IN"),
        ("CREATE TABLE t (a VARCHAR(2) CHECK (a IN ('bcd'))) OWNED BY mercy ROWS 5", "longer than"),
        ("CREATE TABLE t (a DATE CHECK (a > 5)) OWNED BY mercy ROWS 5", "cannot compare"),
        ("CREATE TABLE t (a INTEGER NULL NOT NULL) OWNED BY mercy ROWS 5", "NULL and not NULL"),
        ("CREATE TABLE t (a INTEGER NULL PRIMARY KEY) OWNED BY mercy ROWS 5", "NULL and not NULL"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY, b DATE PRIMARY KEY) OWNED BY mercy ROWS 5",
         "one PRIMARY KEY"),
        ("CREATE TABLE t (a INTEGER, PRIMARY KEY (b)) OWNED BY mercy ROWS 5", "no column b"),
        ("CREATE TABLE t (a INTEGER, UNIQUE (a, a)) OWNED BY mercy ROWS 5", "a column twice"),
        ("CREATE TABLE t (a INTEGER REFERENCES u) OWNED BY mercy ROWS 5", "there is no table u"),
        ("CREATE TABLE t (a INTEGER REFERENCES t) OWNED BY mercy ROWS 5", "has no PRIMARY KEY"),
        ("CREATE TABLE t (a INTEGER REFERENCES t (b)) OWNED BY mercy ROWS 5", "no column b"),
        ("CREATE TABLE t (a INTEGER, b INTEGER, PRIMARY KEY (a, b),"
         " FOREIGN KEY (a) REFERENCES t) OWNED BY mercy ROWS 5", "1 columns refer to 2"),
        ("CREATE PUBLIC TABLE t (a INTEGER) FROM 'a.csv'", "needs ROWS n or its file"),
        ("CREATE TABLE t (a INTEGER) OWNED BY mercy ROWS 5 REVEALING INTERSECTION (b)",
         "no column b"),
    ],
)  # fmt: skip
def test_contradictions(text: str, message: str) -> None:
    """Each is told, and most with their place."""
    with pytest.raises(CatalogError) as caught:
        load(text)
    assert message in str(caught.value)
    assert "^" in str(caught.value) or "needs ROWS" in str(caught.value)


def test_columns_whose_intersection_may_be_revealed() -> None:
    """They are part of what all parties agree on."""
    plain = "CREATE TABLE t (a INTEGER, B INTEGER) OWNED BY mercy ROWS 5"
    text = f"{plain} revealing INTERSECTION (b, A)"
    assert load(plain)["t"].revealing == ()
    assert load(text)["t"].revealing == ("b", "a")
    digests = [load_catalog(t, parties=PARTIES).digest for t in (plain, text)]
    assert digests[0] != digests[1]
    assert load("CREATE TABLE revealing (intersection INTEGER) OWNED BY mercy ROWS 5")


def test_a_table_twice() -> None:
    """Without regard to case."""
    one = "CREATE TABLE {} (a INTEGER) OWNED BY mercy ROWS 5;"
    with pytest.raises(CatalogError, match=r"T is declared twice \(line 2"):
        load(one.format("t") + "\n" + one.format("T"))


def test_syntax_errors_stay_syntax_errors() -> None:
    """With line and caret."""
    with pytest.raises(SqlSyntaxError, match=r"OWNED needs BY \(line 1, column 34\)"):
        load("CREATE TABLE t (a INTEGER) OWNED mercy ROWS 5")


def test_the_digest_ignores_layout_and_order() -> None:
    """Canonical text: spaces, comments, case of keywords and order of tables do not count."""
    first = "CREATE TABLE t (a INTEGER) OWNED BY mercy ROWS 5;"
    second = "CREATE TABLE u (a INTEGER) OWNED BY mercy ROWS 5;"
    digest = load_catalog(first + second, parties=PARTIES).digest
    relaid = f"-- ours\n{second}\n{first.lower().replace(' (', '(')}"
    assert load_catalog(relaid, parties=PARTIES).digest == digest
    assert load_catalog(first + second.replace("5", "6"), parties=PARTIES).digest != digest
    assert len(digest) == 64


def test_public_files(tmp_path: Path) -> None:
    """Their hash is part of the digest; their rows are counted where no ROWS is declared."""
    text = "CREATE PUBLIC TABLE codes (code VARCHAR(3), label VARCHAR(9)) FROM 'codes.csv'"
    path = tmp_path / "codes.csv"
    path.write_text("code,label\nA,one\nB,two\nC,three\n", encoding="utf-8")
    catalog = load_catalog(text, parties=PARTIES, directory=tmp_path)
    table = catalog.tables["codes"]
    assert table.is_public
    assert table.public_file == "codes.csv"
    assert table.rows == 3
    assert table.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    declared = load_catalog(f"{text} ROWS 9", parties=PARTIES, directory=tmp_path)
    assert declared.tables["codes"].rows == 9
    path.write_text("code,label\nA,one\n", encoding="utf-8")
    assert load_catalog(text, parties=PARTIES, directory=tmp_path).digest != catalog.digest


def test_missing_and_unreadable_public_files(tmp_path: Path) -> None:
    """A missing file, and one whose rows cannot be counted."""
    text = "CREATE PUBLIC TABLE codes (code VARCHAR(3)) FROM 'codes.bin'"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_catalog(text, parties=PARTIES, directory=tmp_path)
    (tmp_path / "codes.bin").write_bytes(b"\x00\x01")
    with pytest.raises(ConfigurationError, match="write ROWS n"):
        load_catalog(text, parties=PARTIES, directory=tmp_path)
