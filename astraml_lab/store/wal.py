"""Reads a write-ahead log frame by frame: SQLite itself drops all that follows the first damaged frame.

The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

_HEADER, _FRAME_HEADER = 32, 24
PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_INDEX = 100  # bytes of the index that matter here
_NOTHING = np.zeros(2, np.uint32)
_AT_A_TIME = 512  # frames: the checksums of more would only take memory


@dataclass(frozen=True)
class Log:
    """What a log's committed transactions say, as far as it can be read.

    Attributes:
        page_size: Of the log and its database; 0 where no frame can be read.
        pages: The newest sound version of each page, by its number from 1.
        size: The database's size in pages after the last commit; 0 where there is none.
        lost: How many frames of committed transactions are damaged or gone.
    """

    page_size: int = 0
    pages: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    lost: int = 0


@dataclass(frozen=True)
class _Index:
    """What the log's index in shared memory, which a killed process leaves behind, says of it."""

    salts: bytes = b""
    frames: int = 0
    copied: int = 0


def read_log(database: Path) -> Log:
    """Return what the log beside a database holds.

    Frames count up to the last sound one that ends a transaction, or as many as the log's index promises.
    What comes behind, a transaction that was never committed or one whose last frame is damaged, cannot be
    told from what a dying machine leaves.
    """
    index = _read_index(database.with_name(f"{database.name}-shm"))
    try:
        content = database.with_name(f"{database.name}-wal").read_bytes()
    except OSError:
        content = b""
    log, read, salts = _read(content, index)
    if index.frames > max(read, index.copied) and salts in {b"", index.salts}:
        return replace(log, lost=log.lost + index.frames - max(read, index.copied))
    return log


def log_mark(database: Path) -> tuple[bytes, int]:
    """Return what is another as soon as somebody writes to the log beside a database."""
    try:
        with database.with_name(f"{database.name}-shm").open("rb") as file:
            said = file.read(_INDEX)
        return said, database.with_name(f"{database.name}-wal").stat().st_mtime_ns
    except OSError:
        return b"", 0


def _read_index(path: Path) -> _Index:
    try:
        with path.open("rb") as file:
            content = file.read(_INDEX)
    except OSError:
        return _Index()
    # it begins with the same header twice, in the machine's byte order
    if len(content) < _INDEX or content[:48] != content[48:96] or not content[12]:
        return _Index()
    frames, _, copied = (int.from_bytes(content[at : at + 4], sys.byteorder) for at in (16, 20, 96))
    return _Index(content[32:40], frames, copied)


def _read(content: bytes, index: _Index) -> tuple[Log, int, bytes]:
    """Return a log, how many of its frames count, and its salts, which are new whenever it starts over.

    The salts are empty where they cannot be read. What lies behind the frames that the index promises may
    just be being written: it is read, and nobody misses what is not there.
    """
    if len(content) < _HEADER + _FRAME_HEADER:
        return Log(), 0, b""
    page_size: int
    magic, _, page_size, _, *stamps = struct.unpack(">8I", content[:_HEADER])
    order = ">" if magic & 1 else "<"
    sound_header = _sums(np.frombuffer(content[:24], f"{order}u4"), _NOTHING).tolist() == stamps[2:]
    salts = content[16:24] if sound_header else b""
    if not sound_header:
        order = "<" if sys.byteorder == "little" else ">"
        page_size = _guess_page_size(content)
    step = _FRAME_HEADER + page_size
    count = (len(content) - _HEADER) // step
    frames = np.frombuffer(content, np.uint8, count * step, _HEADER).reshape(count, step)
    header = np.array(stamps, np.uint32).reshape(2, 2)
    sound = _sound(frames, header, order, trusted=sound_header) if count else np.zeros(0, bool)
    numbers, commits = (_field(frames, at) for at in (0, 4))
    ends = np.flatnonzero(sound & (commits > 0))
    if not ends.size:
        return Log(), 0, salts
    last = int(ends[-1])
    kept = np.flatnonzero(sound[: last + 1])
    pages = {int(numbers[index]): frames[index, _FRAME_HEADER:].tobytes() for index in kept}
    promised = index.frames if salts and salts == index.salts else last + 1
    lost = int((~sound[: min(promised, last + 1)]).sum()) + (not sound_header)
    return Log(page_size, pages, int(commits[last]), lost), last + 1, salts


def _guess_page_size(content: bytes) -> int:
    """Return the page size of a log whose header is damaged: that at which the first frames' salts agree."""
    salts = content[_HEADER + 8 : _HEADER + 16]
    for size in (4096, *sorted(PAGE_SIZES)):
        second = _HEADER + _FRAME_HEADER + size + 8
        if content[second : second + 8] == salts:
            return size
    return 4096


def _sound(frames: NDArray[np.uint8], header: Words, order: str, *, trusted: bool) -> NDArray[np.bool_]:
    """Tell of each frame whether it belongs to the log's present round and its checksum is right.

    A checksum starts from the frame before: the stored one serves, so that one damaged frame condemns itself
    and at most its neighbour. A sound header alone says which round it is: one that has just begun has no
    frames yet, and those of the round before, which are all in the file, still lie behind it.
    """
    count = len(frames)
    salts = np.stack([_field(frames, 8), _field(frames, 12)], axis=1)
    stored = np.stack([_field(frames, 16), _field(frames, 20)], axis=1)
    known = trusted or (salts[:2] == header[0]).all(axis=1).any()
    round_salts = header[0] if known else _first_shared(salts)
    before = np.concatenate([header[1:], stored[:-1]])
    right = np.zeros(count, bool)
    for at in range(0, count, _AT_A_TIME):
        some = slice(at, at + _AT_A_TIME)
        right[some] = (_checksums(frames[some], before[some], order) == stored[some]).all(axis=1)
    right &= (salts == round_salts).all(axis=1)
    return right


def _first_shared(salts: Words) -> Words:
    """Return the first salts that two neighbours have: the first frame may be as damaged as the header."""
    shared = np.flatnonzero((salts[1:] == salts[:-1]).all(axis=1))
    first: Words = salts[shared[0] if shared.size else 0]
    return first


def _field(frames: NDArray[np.uint8], at: int) -> Words:
    return np.ascontiguousarray(frames[:, at : at + 4]).view(">u4")[:, 0].astype(np.uint32)


def _checksums(frames: NDArray[np.uint8], before: Words, order: str) -> Words:
    covered = np.concatenate([frames[:, :8], frames[:, _FRAME_HEADER:]], axis=1)
    return _sums(covered.view(f"{order}u4"), before)


def _sums(words: NDArray[Any], before: Words) -> Words:
    weights, start = _weights(words.shape[-1])
    # unsigned 32-bit products and sums wrap around, as the format wants it
    sums: Words = words.astype(np.uint32) @ weights + before @ start
    return sums


@cache
def _weights(count: int) -> tuple[Words, Words]:
    """Return what each word, and the two sums before, add to the two sums after `count` words.

    Each pair of words x, y does `s0 += x + s1; s1 += y + s0`: linear, so the sums are a product of matrices.
    """
    weights = np.zeros((count, 2), np.uint32)
    s0, s1 = np.array([1, 0], np.uint64), np.array([0, 1], np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    for at in range(count - 2, -1, -2):
        weights[at] = s0 + s1 & mask
        weights[at + 1] = s1
        s0, s1 = s0 + s1 & mask, s0 + s1 + s1 & mask
    return weights, np.stack([s0, s1]).astype(np.uint32)
