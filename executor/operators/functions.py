"""The scalar functions that have circuits of their own, by their canonical names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...query.bound import Call
from .dates import date_trunc, extract, last_day
from .numbers import integer_division, modulo, to_places
from .table import SecretColumn

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
}
