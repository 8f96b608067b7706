"""The network that a federation plans with: one that is known by name, or figures of its own.

network = "wan"                  # in federation.toml

[network]                        # or: what `tacit measure` prints, or the same keys in a file
round_trip_ms = 12.5
megabits_per_second = 400
parties_per_core = 1             # may be left out, as may all of the following
message_us = 450                 # a party's processor time, for a message ...
gate_us = 40                     # ... an operand or a column of a gate
byte_ns = 6                      # ... a byte sent
moved_byte_ns = 22               # ... a byte of the rows that a shuffle moves
waking_us = 180                  # how long a process takes to wake up in a round
session_ms = 35                  # to open and close a session
scanned_cell_ns = 10             # an owner alone, for a cell of a table that its database reads ...
entered_cell_ns = 30             # ... and for one that it encodes and shares
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ...planner.cost import LINKS, RATES, Link
from ...query.errors import ConfigurationError
from .settings import Section, read_toml

DEFAULT_NETWORK = "lan"
MEASURED = "measured"
"""What a network with figures of its own is called, unless it says so itself."""

_RATES = {
    "message_us": ("message_seconds", 1e6),
    "gate_us": ("gate_seconds", 1e6),
    "byte_ns": ("byte_seconds", 1e9),
    "moved_byte_ns": ("moved_byte_seconds", 1e9),
    "waking_us": ("waking_seconds", 1e6),
    "session_ms": ("session_seconds", 1e3),
    "scanned_cell_ns": ("scanned_cell_seconds", 1e9),
    "entered_cell_ns": ("entered_cell_seconds", 1e9),
}
_OTHERS = frozenset({"name", "round_trip_ms", "megabits_per_second", "parties_per_core"})


def network_of(section: Section, protocol: str) -> Link:
    """The network that a federation.toml names or describes, with the protocol's rates.

    Errors: ConfigurationError.
    """
    value = section.values.get("network", DEFAULT_NETWORK)
    if isinstance(value, dict):
        return _described(Section(section.path, value, "network."), protocol)
    if not isinstance(value, str) or value not in LINKS:
        raise section.wrong("network", f"is {value!r}; known are {_known()}, or a section")
    return LINKS[value].running(protocol)


def find_network(name: str | Path, protocol: str) -> Link:
    """The network of a name, or of a file with its figures. Errors: ConfigurationError."""
    if name in LINKS:
        return LINKS[str(name)].running(protocol)
    path = Path(name)
    if not path.is_file():
        raise ConfigurationError(f"there is no network and no file {name}; known are {_known()}")
    return _described(Section(path, read_toml(path)), protocol)


def network_lines(link: Link) -> list[str]:
    """What stands in federation.toml for a network, as lines."""
    if link.name in LINKS and LINKS[link.name] == dataclasses.replace(link, rates=None):
        return [f'network = "{link.name}"']
    return ["[network]", *figure_lines(link)]


def figure_lines(link: Link) -> list[str]:
    """The figures of a network, as lines of TOML."""
    lines = [
        f'name = "{link.name}"',
        f"round_trip_ms = {link.round_trip_seconds * 1e3:.6g}",
        f"megabits_per_second = {link.bytes_per_second * 8e-6:.6g}",
        f"parties_per_core = {link.crowding:.6g}",
    ]
    if link.rates is not None:
        lines += [
            f"{key} = {getattr(link.rates, field) * units:.6g}"
            for key, (field, units) in _RATES.items()
        ]
    return lines


def _described(section: Section, protocol: str) -> Link:
    section.check_keys(_OTHERS | frozenset(_RATES))
    rates = {
        field: section.number(key) / units
        for key, (field, units) in _RATES.items()
        if key in section.values
    }
    return Link(
        name=section.optional_text("name") or MEASURED,
        round_trip_seconds=section.number("round_trip_ms") / 1e3,
        bytes_per_second=section.number("megabits_per_second", least=1e-3) * 125_000,
        crowding=section.number("parties_per_core", 1.0, least=1e-3),
        rates=dataclasses.replace(RATES[protocol], **rates),
    )


def _known() -> str:
    return ", ".join(sorted(LINKS))
