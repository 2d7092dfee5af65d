from __future__ import annotations

import errno
import os
import re
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.clock import FakeClock
from astraml_lab.output import Line, TrialSink, logfile, read_tail

if TYPE_CHECKING:
    from pathlib import Path


def texts(sink: TrialSink) -> list[str]:
    return [line.text for line in sink.tail()]


def test_lines_are_dated_and_named_by_stream(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "trials" / "0007" / "log.txt", clock=FakeClock(1_700_000_000.25))
    sink.write("out", "loss 0.5\n")
    sink.write("err", "careful\n")
    sink.close()
    assert sink.path.read_text() == (
        "2023-11-14T22:13:20.250Z out loss 0.5\n2023-11-14T22:13:20.250Z err careful\n"
    )
    assert read_tail(sink.path) == sink.tail()


def test_a_line_counts_when_it_is_whole_and_shows_before(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    sink.write("out", "epoch")
    sink.flush()
    assert texts(sink) == ["epoch"]
    assert not sink.path.exists()
    sink.write("out", " 1\nepoch 2")
    assert texts(sink) == ["epoch 1", "epoch 2"]
    sink.close()
    assert [line.text for line in read_tail(sink.path)] == ["epoch 1", "epoch 2"]


def test_a_progress_bar_leaves_its_last_state_only(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    for percent in range(0, 100, 10):
        sink.write("err", f"\r{percent}%|###")
        assert texts(sink) == [f"{percent}%|###"]
    sink.write("err", "\r100%|###\n")
    sink.write("out", "windows\r\n")
    sink.write("out", "at the end 1\r")
    sink.write("out", "at the end 2\r")
    sink.close()
    assert texts(sink) == ["100%|###", "windows", "at the end 2"]


def test_each_piece_of_output_raises_the_version(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    before = sink.version
    sink.write("out", "a")
    assert sink.version > before


def test_what_a_thread_says_late_is_added_and_a_deleted_job_stays_deleted(tmp_path: Path) -> None:
    path = tmp_path / "7" / "log.txt"
    sink = TrialSink(path)
    sink.write("out", "before\n")
    sink.close()
    sink.write("out", "af")
    sink.write("out", "ter\n")
    assert [line.text for line in read_tail(path)] == ["before", "after"]
    assert [line.text for line in sink.tail()] == ["before", "after"]
    path.unlink()
    path.parent.rmdir()
    sink.write("out", "too late\n")
    assert not path.parent.exists()


def test_a_full_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt", tail_lines=3, max_bytes=1000)
    for number in range(500):
        sink.write("out", f"line {number}\n")
    sink.close()
    lines = [line.text for line in read_tail(sink.path)]
    assert lines[0] == "line 0"
    assert lines[-3:] == ["line 497", "line 498", "line 499"]
    full = lines.index("[the log is full; the last lines follow when the trial ends]")
    assert lines[full + 1] == f"[{500 - full - 3} lines left out]"
    assert sink.path.stat().st_size < 1500


def test_one_endless_line_is_cut(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    for _ in range(30):
        sink.write("out", "x" * 1000)
    sink.close()
    assert "".join(texts(sink)) == "x" * 30_000
    assert max(map(len, texts(sink))) <= 10_000


def test_one_huge_line_at_once_is_no_harder(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    sink.write("out", "x" * 50_000_000)
    sink.close()
    assert sink.path.stat().st_size < 26_000_000


def test_a_burst_reaches_the_disk_with_the_next_line_or_flush(tmp_path: Path) -> None:
    clock = FakeClock()
    sink = TrialSink(tmp_path / "log.txt", clock=clock)
    sink.write("out", "one\n")
    sink.write("out", "two\n")
    assert len(read_tail(sink.path)) == 1
    sink.flush()
    assert len(read_tail(sink.path)) == 2
    clock.advance(1)
    sink.write("out", "three\n")
    assert len(read_tail(sink.path)) == 3


def test_a_disk_that_takes_nothing_costs_the_trial_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sink = TrialSink(tmp_path / "file" / "log.txt")
    sink.write("out", "still here\n")
    sink.close()
    assert texts(sink) == ["still here"]


class _Disk:
    """Stands for `os.write`: takes so many bytes of each write, one after the other, and then all.

    0 is a full disk, which refuses a write.
    """

    def __init__(self, takes: list[int]) -> None:
        self._takes = takes
        self._write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        room = self._takes.pop(0) if self._takes else len(data)
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(fd, data[:room])


def lines_in(path: Path) -> int:
    """Return how many lines a log accounts for that holds `line 0` and so on, or counts what it lacks."""
    following = 0
    for _, _, text in read_tail(path, 6000):
        left_out = re.fullmatch(r"\[([0-9,]+) lines left out\]", text)
        if left_out:
            following += int(left_out[1].replace(",", ""))
        elif "the log is full" not in text:
            assert text == f"line {following} é"
            following += 1
    return following


@given(
    takes=st.lists(st.one_of(st.just(0), st.integers(1, 200)), max_size=40),
    pauses=st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=60, max_size=60),
    burst=st.sampled_from([3, 1024]),
    max_bytes=st.sampled_from([700, 20_000_000]),
)
def test_each_line_that_a_full_disk_refuses_comes_later_or_is_counted(
    tmp_path_factory: pytest.TempPathFactory,
    takes: list[int],
    pauses: list[float],
    burst: int,
    max_bytes: int,
) -> None:
    clock, path = FakeClock(), tmp_path_factory.mktemp("log") / "log.txt"
    sink = TrialSink(path, clock=clock, tail_lines=5, max_bytes=max_bytes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logfile, "_BURST_LINES", burst)
        patch.setattr(os, "write", _Disk(takes))
        for number, pause in enumerate(pauses):
            clock.advance(pause)
            sink.write("out", f"line {number} é\n")
    sink.close()
    assert lines_in(path) == 60
    if burst > 60 and max_bytes > 700:
        assert len(read_tail(path)) == 60


def test_a_disk_that_stays_full_for_long_costs_no_more_memory_than_a_burst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    sink = TrialSink(tmp_path / "log.txt", clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _Disk([0] * 10_000))
        for number in range(5000):
            clock.advance(0.01)
            sink.write("out", f"line {number} é\n")
    assert len(sink._file._waiting) == 1024
    clock.advance(1)
    sink.write("out", "line 5000 é\n")
    sink.close()
    assert lines_in(sink.path) == 5001
    assert [line.text for line in read_tail(sink.path)][-2:] == ["[3,976 lines left out]", "line 5000 é"]


def test_what_is_said_of_a_deleted_job_does_not_come_up_in_the_next_of_its_name(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "7" / "log.txt")
    sink.close()
    sink.write("out", "of the deleted job\n")
    (tmp_path / "7").mkdir()
    sink.write("out", "late\n")
    assert [line.text for line in read_tail(sink.path)] == ["late"]


def test_a_forked_worker_writes_whole_lines_and_nothing_twice(tmp_path: Path) -> None:
    clock = FakeClock()
    sink = TrialSink(tmp_path / "log.txt", clock=clock)
    sink.write("out", "first\n")
    sink.write("out", "waits in the parent\n")
    read, write = os.pipe()
    with sink._lock:  # as if another thread were writing at the moment of the fork
        child = os.fork()
        if child == 0:
            sink.write("out", "from the worker\n")
            sink.flush()
            os.write(write, b"x")
            os._exit(0)
    assert os.read(read, 1) == b"x"
    os.waitpid(child, 0)
    sink.close()
    assert sorted(line.text for line in read_tail(sink.path)) == [
        "first",
        "from the worker",
        "waits in the parent",
    ]


@pytest.mark.slow
def test_100_mb_of_prints_stay_bounded(tmp_path: Path) -> None:
    sink = TrialSink(tmp_path / "log.txt")
    block = ("y" * 99 + "\n") * 10_000
    tracemalloc.start()
    began = time.process_time()
    for _ in range(100):
        sink.write("out", block)
    used = time.process_time() - began
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    sink.close()
    assert sink.path.stat().st_size < 21_000_000
    assert memory < 20_000_000
    assert used < 30
    assert "lines left out" in "".join(line.text for line in read_tail(sink.path, 501))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)))
def test_the_file_says_what_the_tail_says(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    sink = TrialSink(path)
    sink.write("out", "".join(f"{line}\n" for line in lines))
    sink.close()
    assert [(line.stream, line.text) for line in read_tail(path)] == [("out", line) for line in lines]
    assert read_tail(path, 2) == read_tail(path)[-2:]
    assert all(isinstance(line, Line) for line in sink.tail())
