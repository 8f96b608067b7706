"""Arrays that wait on disk are the same arrays, secret to their owner, and gone with their user."""

import gc
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from tacit.executor.sharing import spilling
from tacit.executor.sharing.shares import Bits, Ring
from tacit.executor.sharing.spilling import Spill, prepare_directory
from tacit.query.errors import SessionError


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    prepare_directory(tmp_path / "spill")
    return tmp_path / "spill"


def open_files() -> list[str]:
    """What this process holds open or mapped of spilled arrays."""
    mapped = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in mapped if "/spill/" in line]


def test_shares_come_back_as_they_were(directory: Path) -> None:
    spill = Spill(directory, "mercy", least_bytes=1)
    planes = np.arange(24, dtype=np.uint64).reshape(3, 8)
    bits = Bits(500, 3, (planes, planes[:, ::-1]))
    ring = Ring(5, 32, (np.arange(5, dtype=np.uint32), np.zeros(5, np.uint32)))
    kept = spill.keep([bits, ring])
    for before, after in zip((bits, ring), kept, strict=True):
        assert repr(before) == repr(after)
        for was, now in zip(before.parts, after.parts, strict=True):
            assert was.dtype == now.dtype
            assert np.array_equal(was, now)
            assert not now.flags.writeable
    assert spill.written_bytes > planes.nbytes * 2


def test_rows_of_what_is_on_disk_can_be_read_by_ranges_and_stay_there(directory: Path) -> None:
    spill = Spill(directory, "mercy", least_bytes=1)
    (vector,) = spill.keep_arrays([np.arange(10**5)])
    part = vector[500:600]
    spill.settle()
    assert part[0] == 500
    written = spill.written_bytes
    assert spill.keep_arrays([part, vector])[0] is part
    assert spill.written_bytes == written


def test_small_arrays_stay_in_memory(directory: Path) -> None:
    spill = Spill(directory, "mercy")
    small = np.zeros(10)
    assert spill.keep_arrays([small])[0] is small
    assert spill.written_bytes == 0


@pytest.mark.parametrize("nameless", [True, False])
def test_files_have_no_name_and_go_when_the_last_array_goes(
    directory: Path, nameless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the file system has files without a name or not."""
    if not nameless:
        monkeypatch.delattr(os, "O_TMPFILE")
    spill = Spill(directory, "mercy", least_bytes=1)
    first, second = spill.keep_arrays([np.arange(100), np.arange(7)])
    assert list(directory.iterdir()) == []
    assert open_files()
    del first
    gc.collect()
    assert second[6] == 6
    del second
    gc.collect()
    assert open_files() == []


def test_only_the_owner_may_enter_and_what_a_crash_left_is_removed(tmp_path: Path) -> None:
    directory = tmp_path / "spill"
    prepare_directory(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (directory / ".spill-abc").write_bytes(b"shares")
    (directory / "other").write_bytes(b"not ours")
    prepare_directory(directory)
    assert [path.name for path in directory.iterdir()] == ["other"]


def test_a_full_disk_is_an_error_that_names_the_setting(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("r+b") as full:
        monkeypatch.setattr(spilling, "_nameless", lambda directory: full)
        spill = Spill(directory, "mercy")
        with pytest.raises(SessionError, match=r"mercy has no room on disk .*spill_directory"):
            spill.keep_arrays([np.zeros(10**6)])
