"""SQL over data that nobody may pool: federated queries by secure multi-party computation.

    with tacit.local({"mercy": {"visits": frame}, "registry": {"patients": "p.csv"}}) as federation:
        answer = federation.query("SELECT count(*) FROM visits NATURAL JOIN patients")
        answer.to_pandas()

`tacit.local` runs a whole federation on this machine, `tacit.connect` joins one that runs. Names
are loaded on first use, so that `import tacit` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .executor.client.embedded import Answer, Federation, connect, local
    from .query.errors import (
        BindError,
        CancelledError,
        CatalogError,
        ConfigurationError,
        DataError,
        InternalError,
        PeerError,
        PolicyError,
        SessionError,
        SqlError,
        SqlSyntaxError,
        TacitError,
        UnsupportedError,
        UserError,
    )

    __version__: str

__all__ = [
    "Answer",
    "BindError",
    "CancelledError",
    "CatalogError",
    "ConfigurationError",
    "DataError",
    "Federation",
    "InternalError",
    "PeerError",
    "PolicyError",
    "SessionError",
    "SqlError",
    "SqlSyntaxError",
    "TacitError",
    "UnsupportedError",
    "UserError",
    "__version__",
    "connect",
    "local",
]

_EMBEDDED = ("Answer", "Federation", "connect", "local")


def __getattr__(name: str) -> object:
    """Loads a public name on its first use."""
    from importlib import import_module, metadata

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        return metadata.version("tacit")
    module = ".executor.client.embedded" if name in _EMBEDDED else ".query.errors"
    return getattr(import_module(module, __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
