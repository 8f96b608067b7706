"""The names that users may build on, and what importing them costs."""

import subprocess
import sys

import pytest
import tacit


def test_the_public_names_are_these():
    assert sorted(tacit.__all__) == [
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
    assert dir(tacit) == sorted(tacit.__all__)


@pytest.mark.parametrize("name", tacit.__all__)
def test_every_public_name_exists_and_says_what_it_is(name):
    value = getattr(tacit, name)
    assert value.__doc__


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="no attribute 'pool'"):
        _ = tacit.pool


def test_every_error_is_a_tacit_error():
    names = [name for name in tacit.__all__ if name.endswith("Error")]
    assert all(issubclass(getattr(tacit, name), tacit.TacitError) for name in names)


def test_the_package_loads_fast_and_loads_no_engine():
    program = (
        "import sys, time; started = time.perf_counter(); import tacit;"
        "seconds = time.perf_counter() - started;"
        "heavy = {'duckdb', 'pandas', 'pyarrow', 'numpy', 'lark'} & set(sys.modules);"
        "sys.exit(f'{seconds} s, {heavy}' if seconds > 0.5 or heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
