from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.store.pages import Pages, Tree, loose_rows
from astraml_lab.store.wal import read_log

cells = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-300, 300)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from([300, 5_000, 20_000]).map(lambda size: "ä" * size)
    | st.binary(max_size=20)
)
rows = st.lists(st.lists(cells, min_size=1, max_size=5), max_size=60)


def write(path: Path, page_size: int, table: list[list[Any]]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE things (a, b, c, d, e)")
    connection.execute("CREATE INDEX by_a ON things (a)")
    connection.executemany(
        "INSERT INTO things VALUES (?, ?, ?, ?, ?)", ([*row, *[None] * (5 - len(row))] for row in table)
    )
    return connection


def read(path: Path) -> tuple[list[tuple[Any, ...]], int, set[str]]:
    pages = Pages(path)
    roots = {cells[1]: cells[3] for _, cells in Tree(pages, 1).rows()}
    tree = Tree(pages, roots["things"])
    found = [(number, *cells) for number, cells in tree.rows()]
    assert not tree.broken
    return found, Tree(pages, roots["by_a"], index=True).count(), set(roots)


@given(table=rows, page_size=st.sampled_from([512, 4096, 65536]), in_log=st.booleans())
@settings(max_examples=50, deadline=None)
def test_pages_hold_what_sqlite_reads(*, table: list[list[Any]], page_size: int, in_log: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "some.db")
        with closing(write(path, page_size, table)) as connection:
            if not in_log:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            expected = connection.execute("SELECT rowid, * FROM things ORDER BY rowid").fetchall()
            found, keys, names = read(path)
        # SQLite keeps a whole number of a real column as an integer, and here a column has no type
        assert found == expected
        assert keys == len(expected)
        assert names == {"things", "by_a"}


def test_rows_of_a_lost_root_are_found_on_the_leaves(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    write(path, 4096, [[number, "x" * 100] for number in range(500)]).close()
    pages = Pages(path)
    root = next(cells[3] for _, cells in Tree(pages, 1).rows() if cells[1] == "things")
    assert len(list(Tree(pages, root).rows())) == 500
    found = sorted(number for number, _ in loose_rows(pages, {1, root}))
    assert found == list(range(1, 501))


def test_pages_that_point_in_circles_end(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    write(path, 512, [["x" * 3_000]] * 20).close()
    content = bytearray(path.read_bytes())
    for start in range(512, len(content), 512):
        content[start : start + 4] = (2).to_bytes(4, "big")
    path.write_bytes(content)
    pages = Pages(path)
    assert len(list(loose_rows(pages, set()))) < 100
    for root in range(pages.count + 2):
        list(Tree(pages, root).rows())


def test_every_frame_of_a_log_is_known_by_its_own_checksum(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(write(path, 4096, [["x" * 1_000, number] for number in range(300)])):
        whole = (tmp_path / "some.db-wal").read_bytes()
    step = 24 + 4096
    count = (len(whole) - 32) // step
    assert count > 600, "more than are checked at once"
    log = tmp_path / "copy.db-wal"
    log.write_bytes(whole)
    sound = read_log(tmp_path / "copy.db")
    assert (sound.lost, sound.page_size) == (0, 4096)
    for frame in (0, 1, 511, 512, count - 9):
        for at in (0, 9, 20, 24, step - 1):
            harmed = bytearray(whole)
            harmed[32 + frame * step + at] ^= 1
            log.write_bytes(harmed)
            found = read_log(tmp_path / "copy.db")
            assert 1 <= found.lost <= 2
            assert found.size == sound.size


@pytest.mark.parametrize("at", range(0, 32, 3))
def test_a_log_whose_header_is_damaged_is_read_all_the_same(tmp_path: Path, at: int) -> None:
    path = tmp_path / "some.db"
    with closing(write(path, 4096, [["x" * 1_000, number] for number in range(30)])):
        whole = bytearray((tmp_path / "some.db-wal").read_bytes())
    sound = read_log(path)
    whole[at] ^= 0x11
    (tmp_path / "copy.db-wal").write_bytes(whole)
    found = read_log(tmp_path / "copy.db")
    assert found.lost >= 1
    assert len(found.pages) >= len(sound.pages) - 1


@pytest.mark.parametrize("begun", [False, True])
def test_a_log_that_starts_over_has_lost_nothing(tmp_path: Path, *, begun: bool) -> None:
    path, log = tmp_path / "some.db", tmp_path / "some.db-wal"
    with closing(write(path, 4096, [["x" * 1_000, number] for number in range(30)])) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        before = log.read_bytes()
        connection.execute("INSERT INTO things (a) VALUES (1)")
        after = log.read_bytes()
    assert len(after) == len(before)
    assert after[:32] != before[:32]
    # SQLite writes the header first: a kernel may be killed between it and the first frame
    (tmp_path / "copy.db-wal").write_bytes(after if begun else after[:32] + before[32:])
    found = read_log(tmp_path / "copy.db")
    assert found.lost == 0
    assert bool(found.pages) is begun


def test_what_is_just_being_written_to_a_log_is_not_missed(tmp_path: Path) -> None:
    path, log = tmp_path / "some.db", tmp_path / "some.db-wal"
    with closing(write(path, 4096, [["x" * 1_000, number] for number in range(30)])) as connection:
        (tmp_path / "copy.db-shm").write_bytes((tmp_path / "some.db-shm").read_bytes())
        promised = log.stat().st_size
        connection.executemany("INSERT INTO things (a) VALUES (?)", [["y" * 5_000], [7]])
        written = bytearray(log.read_bytes())
    written[promised : promised + 4096] = bytes(4096)
    (tmp_path / "copy.db-wal").write_bytes(written)
    assert read_log(tmp_path / "copy.db").lost == 0
    written[promised - 4096 : promised] = bytes(4096)
    (tmp_path / "copy.db-wal").write_bytes(written)
    assert read_log(tmp_path / "copy.db").lost >= 1
