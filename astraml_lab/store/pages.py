"""Reads the pages of a damaged SQLite file without trusting them: whatever is wrong costs itself alone.

SQLite gives a table up at its first bad page; the root page of a table takes all of it along. Here every page
is looked at on its own, with what the write-ahead log has of it.
The format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from astraml_lab.store.wal import PAGE_SIZES, read_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Row = tuple[int, list[Any]]  # the row's number and its cells

_INDEX_NODE, _TABLE_NODE, _INDEX_LEAF, _TABLE_LEAF = 2, 5, 10, 13
MAGIC = b"SQLite format 3\0"
_CREDIBLE = 10_000  # times the size that a file had, before it was cut
_BAD = (LookupError, ValueError, struct.error)


class Pages:
    """The pages of a database and its write-ahead log.

    Attributes:
        count: How many there are.
        missing: How many there should be besides, by the file's header.
        lost_changes: How many changes of pages are lost with a part of the log.
    """

    def __init__(self, path: Path) -> None:
        """Read the file at `path`, and the log beside it."""
        self._content = path.read_bytes() if path.exists() else b""
        log = read_log(path)
        self._newer = log.pages
        self._size = log.page_size or _page_size(self._content)
        # a page that the end of the file cuts through may have all that it needs
        self.count = max(-(-len(self._content) // self._size), log.size)
        self._latest = 0, b""
        header = self._newer.get(1, self._content)[:32]
        should = int.from_bytes(header[28:], "big") if header[:16] == MAGIC else 0
        self.missing = max(0, should - self.count) if should < _CREDIBLE * self.count else 0
        self.lost_changes = log.lost

    def page(self, number: int) -> bytes:
        """Return a page, filled up with zeros where the file ends in it.

        Raises:
            IndexError: There is no such page.
        """
        if number != self._latest[0]:
            at = (number - 1) * self._size
            found = self._newer.get(number) or self._content[at : at + self._size]
            if number < 1 or not found:
                raise IndexError(number)
            self._latest = number, found.ljust(self._size, b"\0")
        return self._latest[1]

    def kind(self, number: int) -> int:
        """Return what sort of tree page it says it is; 0 where it is none that this module knows."""
        page = self.page(number)
        found = page[_start(number)]
        return found if found in {_INDEX_NODE, _TABLE_NODE, _INDEX_LEAF, _TABLE_LEAF} else 0

    def free(self) -> set[int]:
        """Return the pages that hold nothing any more, as far as their list can be read."""
        found: set[int] = set()
        try:
            (trunk,) = struct.unpack_from(">I", self.page(1), 32)
            while trunk and trunk not in found:
                found.add(trunk)
                page = self.page(trunk)
                trunk, count = struct.unpack_from(">2I", page)
                found.update(struct.unpack_from(f">{count}I", page, 8))
        except _BAD:
            pass
        return found

    def cells(self, number: int) -> Iterator[tuple[int, int]]:
        """Yield where each cell of a tree page begins, and the page below it, 0 in a leaf."""
        page, start = self.page(number), _start(number)
        inner = page[start] in {_INDEX_NODE, _TABLE_NODE}
        (count,) = struct.unpack_from(">H", page, start + 3)
        pointers = start + (12 if inner else 8)
        for at in struct.unpack_from(f">{min(count, (len(page) - pointers) // 2)}H", page, pointers):
            if inner and at + 4 <= len(page):
                yield at + 4, struct.unpack_from(">I", page, at)[0]
            else:
                yield at, 0

    def last_child(self, number: int) -> int:
        """Return the page below an inner page that follows all its cells."""
        found: int = struct.unpack_from(">I", self.page(number), _start(number) + 8)[0]
        return found

    def row(self, number: int, at: int) -> Row:
        """Return the row in a cell of a table's leaf.

        Raises:
            LookupError, ValueError, struct.error: It cannot be read.
        """
        page = self.page(number)
        length, at = _varint(page, at)
        rowid, at = _varint(page, at)
        rowid -= (rowid >> 63) << 64
        return rowid, _decode(self._payload(page, at, length, self._size - 35))

    def key(self, number: int, at: int) -> list[Any]:
        """Return the key in a cell of an index, the row's number last.

        Raises:
            LookupError, ValueError, struct.error: It cannot be read.
        """
        page = self.page(number)
        length, at = _varint(page, at)
        return _decode(self._payload(page, at, length, (self._size - 12) * 64 // 255 - 23))

    def _payload(self, page: bytes, at: int, length: int, most: int) -> bytes:
        """Return what a cell holds; what does not fit into its page lies in a chain of others."""
        if length > self.count * self._size:
            raise ValueError(length)
        local = length
        if length > most:
            least = (self._size - 12) * 32 // 255 - 23
            local = least + (length - least) % (self._size - 4)
            local = local if local <= most else least
        parts = [page[at : at + local]]
        missing = length - len(parts[0])
        at += local
        seen: set[int] = set()
        while missing > 0:
            (following,) = struct.unpack_from(">I", page, at)
            if following in seen:
                raise ValueError(following)
            seen.add(following)
            page, at = self.page(following), 0
            parts.append(page[4 : 4 + missing])
            missing -= len(parts[-1])
        return b"".join(parts)


class Tree:
    """What can be reached of a table or an index from its root.

    Attributes:
        broken: Whether something below the root could not be read; known once all was asked for.
        seen: The pages that belong to it; likewise.
    """

    def __init__(self, pages: Pages, root: int, *, index: bool = False) -> None:
        self._pages = pages
        self._root = root
        self._kinds = (_INDEX_NODE, _INDEX_LEAF) if index else (_TABLE_NODE, _TABLE_LEAF)
        self.broken = False
        self.seen: set[int] = set()

    def rows(self) -> Iterator[Row]:
        """Yield the rows of a table."""
        for number, at in self._cells():
            try:
                yield self._pages.row(number, at)
            except _BAD:
                self.broken = True

    def keys(self) -> Iterator[list[Any]]:
        """Yield the keys of an index, the row's number last."""
        for number, at in self._cells():
            try:
                yield self._pages.key(number, at)
            except _BAD:
                self.broken = True

    def count(self) -> int:
        """Return how many keys an index has."""
        return sum(1 for _ in self._cells())

    def _cells(self) -> Iterator[tuple[int, int]]:
        """Yield the cells that hold something, by page and place."""
        node, leaf = self._kinds
        self.seen = set()
        waiting = [self._root]
        while waiting:
            number = waiting.pop()
            try:
                kind = self._pages.kind(number)
                cells = list(self._pages.cells(number))
                if number in self.seen or kind not in self._kinds:
                    raise ValueError(number)
                self.seen.add(number)
                if kind == node:
                    waiting += [self._pages.last_child(number), *(below for _, below in reversed(cells))]
            except _BAD:
                self.broken = True
                continue
            if kind in {leaf, _INDEX_NODE}:
                yield from ((number, at) for at, _ in cells)


def loose_rows(pages: Pages, known: set[int]) -> Iterator[Row]:
    """Yield the rows of all leaves that belong to no tree in sight."""
    for number in range(1, pages.count + 1):
        try:
            cells = (
                list(pages.cells(number)) if number not in known and pages.kind(number) == _TABLE_LEAF else []
            )
        except _BAD:
            continue
        for at, _ in cells:
            try:
                yield pages.row(number, at)
            except _BAD:
                continue


def _start(number: int) -> int:
    return 100 if number == 1 else 0  # the file's header is in its first page


def _page_size(content: bytes) -> int:
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size
    return size if size in PAGE_SIZES else 4096


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, and where the next thing begins."""
    value = 0
    for index in range(at, at + 8):
        byte = page[index]
        value = value << 7 | byte & 127
        if byte < 128:  # noqa: PLR2004  the format's own
            return value, index + 1
    return value << 8 | page[at + 8], at + 9


def _decode(record: bytes) -> list[Any]:
    """Return the cells of a record."""
    end, _ = _varint(record, 0)
    layout, fixes = _layout(record[:end])
    cells = list(layout.unpack_from(record, end))
    if end + layout.size != len(record):
        raise ValueError(end)
    for index, fix in fixes:
        cells[index] = fix(cells[index])
    return cells


@lru_cache(maxsize=10_000)
def _layout(header: bytes) -> tuple[struct.Struct, tuple[tuple[int, Callable[[bytes], Any]], ...]]:
    """Return how the cells behind a record's header lie, and what to make of those that are no numbers."""
    kinds: list[int] = []
    _, at = _varint(header, 0)
    while at < len(header):
        kind, at = _varint(header, at)
        kinds.append(kind)
    formats = [_FORMATS[kind] if kind < _BYTES else f"{(kind - _BYTES) // 2}s" for kind in kinds]
    fixes = [(index, _fix(kind)) for index, kind in enumerate(kinds)]
    return struct.Struct(">" + "".join(formats)), tuple((index, fix) for index, fix in fixes if fix)


def _fix(kind: int) -> Callable[[bytes], Any] | None:
    if kind >= _BYTES:
        return bytes.decode if kind & 1 else None
    return _FIXES.get(kind)


def _integer(content: bytes) -> int:
    return int.from_bytes(content, "big", signed=True)


_BYTES = 12  # kinds from here on are bytes, and text where they are odd
_FORMATS = {0: "0s", 1: "b", 2: "h", 3: "3s", 4: "i", 5: "6s", 6: "q", 7: "d", 8: "0s", 9: "0s"}
_FIXES: dict[int, Callable[[bytes], Any]] = {
    0: lambda _: None,
    3: _integer,
    5: _integer,
    8: lambda _: 0,
    9: lambda _: 1,
}
