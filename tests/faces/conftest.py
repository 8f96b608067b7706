"""A small federation with three owners, as files and as running nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tacit.executor.client.local import LocalFederation, create_local

CATALOG = """
CREATE TABLE visits (
    patient_id INTEGER NOT NULL CHECK (patient_id BETWEEN 1 AND 999),
    ward VARCHAR(8) CHECK (ward IN ('eye', 'heart')),
    cost DECIMAL(7,2) CHECK (cost BETWEEN 0 AND 9999.99)
) OWNED BY mercy, grace ROWS 20;

CREATE TABLE patients (
    patient_id INTEGER CHECK (patient_id BETWEEN 1 AND 999) PRIMARY KEY,
    sex VARCHAR(1) NOT NULL CHECK (sex IN ('F', 'M'))
) OWNED BY registry ROWS 20;

CREATE PUBLIC TABLE wards (
    ward VARCHAR(8) CHECK (ward IN ('eye', 'heart')) PRIMARY KEY,
    beds INTEGER
) FROM 'wards.csv';

-- Bounds far above the rows that there are: queries over these take long, whatever they hold.
CREATE TABLE wide_left (k BIGINT NOT NULL, v BIGINT) OWNED BY mercy ROWS 400000;
CREATE TABLE wide_right (k BIGINT PRIMARY KEY, w BIGINT) OWNED BY grace ROWS 400000;
"""

ENDLESS = "SELECT COUNT(*) FROM (SELECT k, v FROM wide_left UNION SELECT k, w FROM wide_right) x"
"""A query that runs for many seconds: it sorts by keys that no party knows."""

FILES = {
    "mercy": {
        "visits": "patient_id,ward,cost\n1,eye,10.00\n1,heart,250.50\n2,eye,\n",
        "wide_left": "k,v\n1,1\n",
    },
    "grace": {
        "visits": "patient_id,ward,cost\n3,heart,100.00\n9,eye,20.00\n",
        "wide_right": "k,w\n1,1\n",
    },
    "registry": {"patients": "patient_id,sex\n1,F\n2,M\n3,F\n4,M\n"},
}


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with catalog.sql, and sources.sql and CSV files for each party."""
    directory = tmp_path_factory.mktemp("example")
    (directory / "catalog.sql").write_text(CATALOG)
    (directory / "wards.csv").write_text("ward,beds\neye,12\nheart,30\n")
    for party, tables in FILES.items():
        (directory / party).mkdir()
        for table, text in tables.items():
            (directory / party / f"{table}.csv").write_text(text)
        attachments = "".join(f"ATTACH '{table}.csv' AS {table};\n" for table in tables)
        (directory / party / "sources.sql").write_text(attachments)
    return directory


@pytest.fixture(scope="session")
def running(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a federation whose three nodes run."""
    directory = create_local(example, target=tmp_path_factory.mktemp("running") / "federation")
    with LocalFederation.start(directory):
        yield directory


@pytest.fixture(scope="session")
def endless() -> str:
    return ENDLESS
