"""Reading the TOML files of a federation directory, strictly: every error names file and key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ...query.errors import ConfigurationError

PARTY_FILE = "party.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySettings:
    """What one party decides for its own node (party.toml); every key may be left out.

    local: all parties run on one machine for one person; tables without a policy are allowed.
    session_seconds: a query that takes longer is aborted. peer_timeout_seconds: a party that is
    silent for so long counts as stalled. queue_seconds: how long a query waits while another one
    runs. max_rows: the largest relation (public bound) that a query may have here, and
    max_memory_bytes: how much memory it may take, as its plan lets expect (planner/memory.py).
    spill_directory: where relations of larger queries wait, if not in spill beside party.toml.
    fragment_memory_bytes: what the database that works on this party's own tables may take.
    max_results: how many results of others' queries are kept; more are refused until the owner
    removes some.
    max_shared_tables and max_shared_bytes: how many shared tables this party keeps its shares of,
    and how many bytes of its disk they may take.
    max_frame_bytes: the largest message between compute parties.
    data_directory: where sources.sql lies, if not beside party.toml. public_directory: where the
    files of public tables lie, if not beside catalog.sql. listen_host: the address to listen on,
    if not the one that federation.toml tells the others.
    """

    local: bool = False
    session_seconds: float = 300.0
    peer_timeout_seconds: float = 60.0
    queue_seconds: float = 30.0
    max_rows: int = 2**24
    max_memory_bytes: int = 2**32
    fragment_memory_bytes: int = 2**32
    max_results: int = 1000
    max_shared_tables: int = 1000
    max_shared_bytes: int = 2**36
    max_frame_bytes: int = 2**30
    data_directory: Path | None = None
    public_directory: Path | None = None
    spill_directory: Path | None = None
    listen_host: str | None = None


def load_settings(directory: Path) -> PartySettings:
    """The settings in a party's directory; the defaults if it has no party.toml.

    Errors: ConfigurationError for an unknown key, a wrong type or a value that is not positive.
    """
    path = directory / PARTY_FILE
    if not path.exists():
        return PartySettings()
    section = Section(path, read_toml(path))
    section.check_keys(frozenset(f.name for f in fields(PartySettings)))
    default = PartySettings()
    return PartySettings(
        local=section.flag("local", default.local),
        session_seconds=section.seconds("session_seconds", default.session_seconds),
        peer_timeout_seconds=section.seconds("peer_timeout_seconds", default.peer_timeout_seconds),
        queue_seconds=section.seconds("queue_seconds", default.queue_seconds),
        max_rows=section.count("max_rows", default.max_rows),
        max_memory_bytes=section.count("max_memory_bytes", default.max_memory_bytes),
        fragment_memory_bytes=section.count("fragment_memory_bytes", default.fragment_memory_bytes),
        max_results=section.count("max_results", default.max_results),
        max_shared_tables=section.count("max_shared_tables", default.max_shared_tables),
        max_shared_bytes=section.count("max_shared_bytes", default.max_shared_bytes),
        max_frame_bytes=section.count("max_frame_bytes", default.max_frame_bytes),
        data_directory=section.directory("data_directory"),
        public_directory=section.directory("public_directory"),
        spill_directory=section.directory("spill_directory"),
        listen_host=section.optional_text("listen_host"),
    )


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested dictionaries. Errors: ConfigurationError with file, line and column."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a TOML file; `place` names it within the file."""

    path: Path
    values: Mapping[str, Any]
    place: str = ""

    def check_keys(self, known: frozenset[str]) -> None:
        """Errors: ConfigurationError if the section holds a key that is not `known`."""
        unknown = sorted(set(self.values) - known)
        if unknown:
            raise self.wrong(unknown[0], f"is unknown; known are {', '.join(sorted(known))}")

    def text(self, key: str) -> str:
        """A string that must be there."""
        if key not in self.values:
            raise self.wrong(key, "is missing")
        value = self.values[key]
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "must be a string that is not empty")
        return value

    def optional_text(self, key: str, default: str | None = None) -> str | None:
        """A string, or the default."""
        return self.text(key) if key in self.values else default

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def seconds(self, key: str, default: float) -> float:
        """A positive number of seconds, at most a week."""
        value = self.values.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not 0 < value <= 604800
        ):
            raise self.wrong(key, "must be a number of seconds above 0 and at most 604800")
        return float(value)

    def count(self, key: str, default: int) -> int:
        """A positive whole number."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**62:
            raise self.wrong(key, "must be a positive whole number")
        return value

    def number(self, key: str, default: float | None = None, *, least: float = 0.0) -> float:
        """A number from `least` to 1e9, which must be there if there is no default."""
        if key not in self.values and default is None:
            raise self.wrong(key, "is missing")
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "must be a number")
        if not least <= value <= 1e9:
            raise self.wrong(key, f"must be a number from {least:g} to 1e9")
        return float(value)

    def directory(self, key: str) -> Path | None:
        """A directory that exists, relative to the file; None if the key is left out."""
        if key not in self.values:
            return None
        directory = self.path.parent / self.text(key)
        if not directory.is_dir():
            raise self.wrong(key, f"names {directory}, which is no directory")
        return directory

    def section(self, key: str) -> Section:
        """A section within the section, empty if it is left out."""
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            raise self.wrong(key, f"must be a section: [{self.place}{key}]")
        return Section(self.path, values, f"{self.place}{key}.")

    def wrong(self, key: str, what: str) -> ConfigurationError:
        """An error about one key."""
        return ConfigurationError(f"{self.path}: {self.place}{key} {what}")
