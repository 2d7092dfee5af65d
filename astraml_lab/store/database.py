"""One open database: transactions, by turns, and what to do when it turns out to be damaged."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import event

from astraml_lab.clock import SystemClock
from astraml_lab.errors import StoreUnavailable
from astraml_lab.spec import default_home
from astraml_lab.store import leases as ownership
from astraml_lab.store import reserve
from astraml_lab.store.engine import is_damage, mapped_errors, writing
from astraml_lab.store.files import Files
from astraml_lab.store.interrupts import InterruptsHeldBack
from astraml_lab.store.opening import open_store, suspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine import ExceptionContext

    from astraml_lab.clock import Clock
    from astraml_lab.store.records import Lease


class Database:
    """A database and its folder; safe to share between threads.

    All its calls raise `StoreUnavailable` when the database cannot be read or written at present. A pickled
    one opens the same database again.

    A damaged file is mended when it is opened. Damage that is met later fails the call that meets it, and
    those alone; the next opening reads the file through. See `health` for what cannot be noticed.

    Attributes:
        files: Where everything lies.
        url: The database, as an SQLAlchemy URL.
        clock: What time it is.
        repaired: What was damaged, recovered and lost when it was opened; empty where nothing was.
        migrated: What became of a file of an older version when it was opened; else empty.
    """

    def __init__(
        self, home: Path | str | None = None, *, url: str | None = None, clock: Clock | None = None
    ) -> None:
        """Open the store, and make it if it is new.

        Args:
            home: The folder of the database and of all files; by default ASTRAML_HOME or the platform's.
            url: Another database, as an SQLAlchemy URL; files still lie in `home`.
            clock: For tests.

        Raises:
            StoreUnavailable: It cannot be opened, or it is damaged and another process uses it.
            StoreError: A newer version wrote it.
        """
        self.files = Files(Path(home) if home is not None else default_home())
        self.url = url or f"sqlite:///{self.files.database}"
        self.clock: Clock = clock or SystemClock()
        opened = open_store(self.url, self.clock.time())
        self.repaired, self.migrated = opened.repaired, opened.migrated
        self._file = opened.file
        self._engine = opened.engine
        event.listen(self._engine, "handle_error", self._note_damage)
        self._writing = writing(self._engine)
        # One connection writes: threads queue for it here, in order, instead of polling for the file's lock,
        # and a commit costs half as much as with a connection out of the pool.
        self._turn = threading.Lock()
        self._writer: Connection | None = None
        self._written: int | None = None  # which file the writer has open

    def __getstate__(self) -> dict[str, Any]:
        return {"home": self.files.home, "url": self.url, "clock": self.clock}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # the plainest way to restore all

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the store opens it again when it is used again."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._engine.dispose()
        if self._file is not None:
            reserve.keep(self._file)

    @contextmanager
    def begin(self, doing: str = "write to the store") -> Iterator[Connection]:
        """Open a write transaction; it is committed at the end, or undone if anything raises.

        There is one at a time: who opens another inside it waits for ever. An interrupt waits for its end.
        """
        with self._turn, InterruptsHeldBack(), mapped_errors(doing):
            if self._writer is None:
                self._writer = self._writing.connect()
                self._written = self._identity()
            elif self._written != self._identity():
                raise StoreUnavailable(
                    f"cannot {doing}: the store `{self._file}` was moved or deleted while it was open; "
                    "put it back, or restart the kernel"
                )
            with self._writer.begin():
                yield self._writer

    @contextmanager
    def fenced(self, lease: Lease, doing: str = "write to the store") -> Iterator[Connection]:
        """Open a write transaction of a generation's owner.

        Raises:
            LeaseLost: Another kernel owns the generation now, or it was deleted.
        """
        with self.begin(doing) as connection:
            ownership.check(connection, lease)
            yield connection

    @contextmanager
    def connect(self, doing: str = "read the store") -> Iterator[Connection]:
        """Open a read transaction."""
        with mapped_errors(doing), self._engine.connect() as connection:
            yield connection

    def checkpoint(self) -> None:
        """Bring the log into the file, as far as nobody reads what was there before; waits for nobody.

        A commit is in the log first: what is in the file survives the loss of the log, and of power.
        """
        with mapped_errors("bring the log into the store"):
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()

    @contextmanager
    def spare_room(self) -> Iterator[None]:
        """Let what frees room use what is kept back for it, where the disk is full."""
        if self._file is not None:
            reserve.make_room(self._file)
        yield
        if self._file is not None:
            reserve.keep(self._file)

    def suspect(self, why: str) -> None:
        """Have the file read through when it is opened next."""
        if self._file is not None:
            suspect(self._file, why)

    def _identity(self) -> int | None:
        """Return what tells the file from another one of its name; None where there is none."""
        try:
            return None if self._file is None else self._file.stat().st_ino
        except OSError:
            return -1

    def _note_damage(self, context: ExceptionContext) -> None:
        if is_damage(context.original_exception):
            self.suspect(str(context.original_exception))
