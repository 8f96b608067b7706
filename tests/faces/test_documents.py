"""What the pages say is so: examples run, links lead somewhere, commands exist."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tacit.cli import parser
from tacit.query import load_catalog, parse

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page, language):
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_gives_the_output_of_the_readme(tmp_path):
    (program,) = blocks(ROOT / "README.md", "python")
    (output,) = blocks(ROOT / "README.md", "text")
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == output


def test_the_readme_has_two_commands():
    assert [block.strip() for block in blocks(ROOT / "README.md", "sh")] == [
        "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/tacit demo",
        ".venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest",
    ]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_that_a_page_names_exist(page):
    (commands,) = (
        action.choices
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    named = set(re.findall(r"(?:`|bin/)tacit ([a-z]+)", page.read_text()))
    assert named <= set(commands)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_scripts_that_a_page_names_exist(page):
    for script in re.findall(
        r"(?:benchmarks|examples|executor|query)/[\w/]+\.py", page.read_text()
    ):
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_sql_that_a_page_shows_is_sql(page):
    for text in blocks(page, "sql"):
        assert parse(text)


def test_the_catalog_of_the_page_on_sql_is_one():
    catalog = load_catalog(
        blocks(ROOT / "docs" / "sql.md", "sql")[0], parties=("mercy", "grace", "registry")
    )
    assert set(catalog.tables) == {"patients", "visits"}
