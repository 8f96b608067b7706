"""Makes the example's data: two hospitals and a registry, none of whose people exist.

    python examples/hospitals/generate.py [DIRECTORY]

The seed is fixed. The distributions are meant to look like a region's: older people are admitted
more often and stay longer, the deprived arrive more often as emergencies, every sixth patient is
seen at both hospitals, and a few come from elsewhere, so that the registry does not know them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray
from pyarrow import csv, feather, parquet

SEED = 20240229
PATIENTS = 2400
VISITS = {"mercy": 1650, "grace": 1350}
FIRST_DAY, DAYS = np.datetime64("2022-01-01"), 1096
REGIONS = {"north": 0.24, "east": 0.2, "south": 0.27, "west": 0.21, "centre": 0.08}

# (code, chapter, ward, share of admissions, typical age, days of stay, cost of a day, description)
DIAGNOSES = [
    ("I21.9", "circulation", "cardiology", 6, 68, 6, 950, "Acute myocardial infarction"),
    ("I50.9", "circulation", "cardiology", 8, 77, 8, 520, "Heart failure"),
    ("I48.9", "circulation", "cardiology", 7, 72, 3, 480, "Atrial fibrillation"),
    ("I63.9", "circulation", "medicine", 5, 74, 10, 610, "Cerebral infarction"),
    ("I10", "circulation", "medicine", 4, 66, 2, 310, "Essential hypertension"),
    ("J18.9", "respiration", "medicine", 8, 70, 7, 430, "Pneumonia"),
    ("J44.1", "respiration", "medicine", 6, 69, 6, 420, "Chronic obstructive pulmonary disease"),
    ("J45.9", "respiration", "emergency", 3, 24, 1, 360, "Asthma"),
    ("A41.9", "infections", "medicine", 4, 72, 11, 820, "Sepsis"),
    ("A09.9", "infections", "emergency", 4, 35, 2, 290, "Gastroenteritis"),
    ("K35.8", "digestion", "surgery", 4, 28, 3, 1150, "Acute appendicitis"),
    ("K80.2", "digestion", "surgery", 5, 55, 3, 1080, "Gallstones"),
    ("K92.2", "digestion", "emergency", 3, 68, 4, 560, "Gastrointestinal haemorrhage"),
    ("E11.9", "metabolism", "medicine", 5, 64, 4, 330, "Type 2 diabetes"),
    ("E86", "metabolism", "emergency", 3, 78, 3, 280, "Volume depletion"),
    ("C50.9", "neoplasms", "oncology", 4, 61, 4, 1250, "Malignant neoplasm of breast"),
    ("C34.9", "neoplasms", "oncology", 3, 69, 7, 1180, "Malignant neoplasm of lung"),
    ("C18.9", "neoplasms", "surgery", 3, 70, 9, 1090, "Malignant neoplasm of colon"),
    ("S72.0", "injuries", "surgery", 5, 80, 12, 790, "Fracture of neck of femur"),
    ("S06.0", "injuries", "emergency", 4, 31, 1, 410, "Concussion"),
    ("S52.5", "injuries", "surgery", 3, 48, 2, 880, "Fracture of lower end of radius"),
    ("O80", "births", "maternity", 9, 30, 3, 620, "Single spontaneous delivery"),
    ("O82", "births", "maternity", 4, 32, 5, 760, "Delivery by caesarean section"),
]
EMERGENCIES = {"emergency": 0.97, "cardiology": 0.62, "medicine": 0.66, "surgery": 0.38,
               "oncology": 0.12, "maternity": 0.08}  # fmt: skip


def main(directory: Path) -> None:
    """Writes every party's files below `directory`."""
    generator = np.random.default_rng(SEED)
    patients = make_patients(generator)
    visits = [make_visits(generator, patients, name, rows) for name, rows in VISITS.items()]
    deaths = make_deaths(generator, patients, pa.concat_tables(visits))
    for party in ("mercy", "grace", "registry"):
        (directory / party).mkdir(parents=True, exist_ok=True)
    csv.write_csv(visits[0], directory / "mercy" / "visits.csv")
    parquet.write_table(visits[1], directory / "grace" / "visits.parquet")
    parquet.write_table(patients, directory / "registry" / "patients.parquet")
    feather.write_feather(deaths, directory / "registry" / "deaths.arrow")
    codes = [(code, chapter, name) for code, chapter, *_, name in DIAGNOSES]
    names = ["code", "chapter", "description"]
    columns = [list(column) for column in zip(*sorted(codes), strict=True)]
    csv.write_csv(pa.table(columns, names=names), directory / "icd10.csv")


def make_patients(generator: Generator) -> pa.Table:
    """The registry's people, in no particular order of their numbers."""
    ages = np.clip(generator.gamma(3.2, 16.5, PATIENTS), 0, 99).astype(int)
    region = generator.choice(list(REGIONS), PATIENTS, p=list(REGIONS.values()))
    tilt = np.select([region == "centre", region == "north"], [0.9, 0.5], 0.0)
    fifths = np.clip(np.round(generator.normal(2.9 + tilt, 1.25, PATIENTS)), 1, 5)
    unknown = generator.random(PATIENTS) < 0.03
    return pa.table(
        {
            "patient_id": pa.array(generator.permutation(9000)[:PATIENTS] + 1, pa.int32()),
            "birth_year": pa.array(2024 - ages, pa.int16()),
            "sex": generator.choice(["F", "M", "X"], PATIENTS, p=[0.508, 0.486, 0.006]),
            "region": region,
            "deprivation": pa.array(fifths.astype(np.int8), pa.int8(), mask=unknown),
        }
    )


def make_visits(generator: Generator, patients: pa.Table, hospital: str, rows: int) -> pa.Table:
    """One hospital's admissions; mercy serves the north and the centre more than the south."""
    kinds = generator.choice(len(DIAGNOSES), rows, p=_shares(hospital))
    who = np.array([_admitted(generator, patients, hospital, kind) for kind in kinds])
    known = generator.random(rows) >= 0.025
    strangers = generator.integers(9001, 9999, rows)
    ids = np.where(known, patients["patient_id"].to_numpy()[who], strangers)
    poverty = np.nan_to_num(patients["deprivation"].to_numpy(zero_copy_only=False)[who], nan=3)
    return _admissions(generator, kinds, ids, poverty)


def _admissions(
    generator: Generator,
    kinds: NDArray[np.int64],
    ids: NDArray[np.int64],
    poverty: NDArray[np.float64],
) -> pa.Table:
    """When, how long, why and at what cost."""
    rows = len(kinds)
    _, _, ward, _, _, stay, daily, _ = (
        np.array(column)[kinds] for column in zip(*DIAGNOSES, strict=True)
    )
    code = np.array([diagnosis[0] for diagnosis in DIAGNOSES])[kinds]
    start = generator.integers(0, DAYS, rows)
    nights = np.minimum(generator.gamma(2.0, stay / 2.0, rows), 90).astype(int)
    cost = daily * (0.6 + nights) * generator.lognormal(0, 0.28, rows) + generator.gamma(
        2, 90, rows
    )
    urgent = np.array([EMERGENCIES[name] for name in ward]) + 0.06 * (poverty - 3)
    order = np.argsort(start, kind="stable")
    table = pa.table(
        {
            "patient_id": pa.array(ids, pa.int32()),
            "admitted": pa.array(FIRST_DAY + start),
            "discharged": pa.array(FIRST_DAY + start + nights, mask=start + nights > DAYS),
            "ward": ward,
            "diagnosis": pa.array(code, mask=generator.random(rows) < 0.02),
            "emergency": generator.random(rows) < urgent,
            "cost": pa.array(np.minimum(np.round(cost, 2), 99999.99)).cast(
                pa.decimal128(8, 2), safe=False
            ),
        }
    )
    return table.take(order)


def _shares(hospital: str) -> NDArray[np.float64]:
    """What a hospital is visited for; only mercy has an oncology ward of any size."""
    weights = {"oncology": 0.4, "maternity": 1.3} if hospital == "grace" else {"maternity": 0.7}
    shares = np.array([share * weights.get(ward, 1.0) for _, _, ward, share, *_ in DIAGNOSES])
    return shares / shares.sum()


def _admitted(generator: Generator, patients: pa.Table, hospital: str, kind: int) -> int:
    """A patient of about the right age and region for one admission."""
    _, chapter, _, _, age, *_ = DIAGNOSES[kind]
    near = ("north", "centre") if hospital == "mercy" else ("south", "east")
    ages = 2024 - patients["birth_year"].to_numpy()
    weight = np.exp(-(((ages - age) / (6 if chapter == "births" else 16)) ** 2))
    weight *= np.where(np.isin(patients["region"].to_numpy(zero_copy_only=False), near), 3.0, 1.0)
    if chapter == "births":
        weight *= patients["sex"].to_numpy(zero_copy_only=False) == "F"
    return int(generator.choice(len(ages), p=weight / weight.sum()))


def make_deaths(generator: Generator, patients: pa.Table, visits: pa.Table) -> pa.Table:
    """Who died: some weeks after a visit, the old and the gravely ill more often."""
    graves = {"I21.9": 0.14, "I50.9": 0.12, "I63.9": 0.13, "A41.9": 0.2, "C34.9": 0.3, "S72.0": 0.1}
    born = dict(
        zip(patients["patient_id"].to_pylist(), patients["birth_year"].to_pylist(), strict=True)
    )
    last = {
        row["patient_id"]: row for row in sorted(visits.to_pylist(), key=lambda v: v["admitted"])
    }
    found = []
    for patient, visit in sorted(last.items()):
        after, chance = int(generator.exponential(55)), generator.random()
        if patient not in born or visit["discharged"] is None:
            continue
        old = max(0, 2024 - born[patient] - 55) * 0.0025
        if chance < graves.get(visit["diagnosis"], 0.01) + old:
            found.append((patient, np.datetime64(visit["discharged"]) + after))
    ids, days = zip(
        *[item for item in found if item[1] <= np.datetime64("2025-12-31")], strict=True
    )
    return pa.table({"patient_id": pa.array(ids, pa.int32()), "died": pa.array(np.array(days))})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
