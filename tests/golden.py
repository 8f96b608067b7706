"""Texts that a test compares with files; `pytest --accept` writes the files anew."""

from __future__ import annotations

import re
from pathlib import Path


def compare(path: Path, text: str, *, accept: bool) -> None:
    """Asserts that the file holds the text, digests left out; or makes it so."""
    text = re.sub(r"\b[0-9a-f]{16}\b", "DIGEST", text) + "\n"
    if accept:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    hint = f"{path.name} differs: if the new text is right, run the test with --accept"
    assert path.exists(), f"{path.name} is missing: run the test with --accept"
    assert path.read_text(encoding="utf-8") == text, hint
