"""The scalar functions that have circuits of their own, by their canonical names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...query.bound import Call
from .dates import date_trunc, extract, last_day
from .mapped import mapped
from .numbers import integer_division, modulo, to_places
from .strings import concatenated, in_case, length, matches, substring, trimmed
from .table import SecretColumn
from .whole import shift_right, units

if TYPE_CHECKING:
    from .expression import Evaluator

FUNCTIONS: Mapping[str, Callable[[Evaluator, Call], SecretColumn]] = {
    "extract": extract,
    "date_trunc": date_trunc,
    "last_day": last_day,
    "round": to_places,
    "trunc": to_places,
    "floor": to_places,
    "ceil": to_places,
    "//": integer_division,
    "%": modulo,
    "like": matches,
    "substring": substring,
    "length": length,
    "strlen": length,
    "upper_ascii": in_case,
    "lower_ascii": in_case,
    "trim": trimmed,
    "ltrim": trimmed,
    "rtrim": trimmed,
    "concat": concatenated,
    "mapped": mapped,
    "units": units,
    "shift_right": shift_right,
}
