"""TPC-H with other parameters, which give telling answers at scale factor 0.001.

The validation parameters pick one nation of 25 or one word of many: of ten suppliers and 200 parts
they leave nothing. Here every query returns rows, and no column is NULL or 0 throughout.
"""

from __future__ import annotations

CHANGES: dict[int, tuple[tuple[str, str], ...]] = {
    2: (("p_size = 15", "p_size < 30"), ("'%BRASS'", "'%S%'"), ("'EUROPE'", "'AFRICA'")),
    5: (("'ASIA'", "'AFRICA'"), ("interval '1' year", "interval '5' year")),
    7: (("'FRANCE'", "'PERU'"), ("'GERMANY'", "'KENYA'"), ("1995-01-01", "1993-01-01")),
    8: (("'BRAZIL'", "'PERU'"), ("= 'ECONOMY ANODIZED STEEL'", "like '%STEEL'")),
    11: (("'GERMANY'", "'PERU'"), ("0.0001", "0.004")),
    17: (("'Brand#23'", "'Brand#13'"), ("= 'MED BOX'", "like '%BOX'"), ("0.2 *", "0.7 *")),
    18: (("> 300", "> 250"),),
    19: (("'LG CASE', 'LG BOX'", "'LG CASE', 'LG DRUM', 'JUMBO JAR', 'LG BOX'"),
         ("'AIR', 'AIR REG'", "'AIR', 'REG AIR', 'RAIL'"), ("between 1 and 5", "between 1 and 45"),
         ("between 1 and 10", "between 1 and 45"), ("between 1 and 15", "between 1 and 45"),
         ("+ 10", "+ 30")),
    20: (("'forest%'", "'%o%'"), ("'CANADA'", "'PERU'"), ("0.5 *", "0.1 *")),
    21: (("'SAUDI ARABIA'", "'PERU'"),),
}  # fmt: skip
"""By query: what stands in its text, and what takes its place."""


def varied(number: int, text: str) -> str:
    """The text of a query with its changes; each must find something to change."""
    for old, new in CHANGES.get(number, ()):
        if old not in text:
            raise ValueError(f"query {number} does not hold {old}")
        text = text.replace(old, new)
    return text
