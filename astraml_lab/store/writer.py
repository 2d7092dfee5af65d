"""Write-behind for what may be a moment late: one thread, one statement per batch, nothing lost silently."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import StoreError, StoreUnavailable
from astraml_lab.store import series
from astraml_lab.store.compaction import Compaction, is_due

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection

    from astraml_lab.spec.views import WindowRow
    from astraml_lab.store.store import Store

    Call = Callable[[Connection], None]


DAY = 86_400.0
CHECKPOINT = 10.0
"""Seconds after which what was committed is no longer in the log alone, while a job reports."""
_MOMENT = 0.2  # seconds that a trial's end may have to wait for a compaction


class _Batch:
    """What waits to be written; a later window or curve replaces an earlier one of the same key."""

    def __init__(self) -> None:
        self.windows: dict[tuple[series.SeriesKey, float, float], list[Any]] = {}
        self.curves: dict[series.SeriesKey, tuple[bytes, bytes]] = {}
        self.cleared: set[tuple[int, int]] = set()  # (generation, trial); written first
        self.calls: deque[Call] = deque()

    def __len__(self) -> int:
        return len(self.windows) + len(self.curves) + len(self.cleared) + len(self.calls)

    def clear(self, trials: set[tuple[int, int]]) -> None:
        """Forget the metrics of trials, those that wait here and those that are stored."""
        self.windows = {key: row for key, row in self.windows.items() if key[0][:2] not in trials}
        self.curves = {key: curve for key, curve in self.curves.items() if key[:2] not in trials}
        self.cleared |= trials

    def put_under(self, newer: _Batch) -> None:
        """Take in what came while this batch could not be written."""
        if newer.cleared:
            self.clear(newer.cleared)
        self.windows |= newer.windows
        self.curves |= newer.curves
        self.calls += newer.calls


class Writer:
    """The background writer of a store; safe to use from any thread.

    A batch that cannot be written is kept and tried again, ever more slowly. At `limit` waiting items the
    `put` methods raise instead of taking more memory.
    """

    def __init__(
        self,
        store: Store,
        on_trouble: Callable[[str | None], None],
        *,
        interval: float = 0.5,
        retry: tuple[float, float] = (0.2, 10.0),
        limit: int = 100_000,
    ) -> None:
        """Start the thread.

        Args:
            store: Where to write.
            on_trouble: Called once with a sentence when writing fails, and once with None when it works
                again; for a call that can never work, once with its sentence. Runs in the writer's thread.
            interval: How long items gather before they are written, in seconds.
            retry: The first and the longest pause between attempts, in seconds.
            limit: How many items may wait.
        """
        self._store = store
        self._on_trouble = on_trouble
        self._interval = interval
        self._retry = retry
        self._limit = limit
        self._changed = threading.Condition()
        self._waiting = _Batch()
        self._put_count = self._written_count = 0
        self._flushes = self._failures = 0
        self._closing = self._over = False
        self._checkpoint_at = store.clock.monotonic() + CHECKPOINT
        self._thread = threading.Thread(target=self._run, name="astraml-writer", daemon=True)
        self._thread.start()

    def put(self, call: Call) -> None:
        """Run `call` in a transaction of its own, soon.

        Raises:
            StoreUnavailable: Too much is waiting, or the writer was closed.
        """
        with self._changed:
            self._admit(1)
            self._waiting.calls.append(call)

    def put_windows(self, generation_id: int, trial: int, metric: str, rows: Iterable[WindowRow]) -> None:
        """Write windows of one metric of one trial, soon.

        Raises:
            StoreUnavailable: Too much is waiting, or the writer was closed.
        """
        key = (generation_id, trial, metric)
        found = {(key, row.width, row.start): series.window_row(key, row) for row in rows}
        with self._changed:
            self._admit(len(found))
            self._waiting.windows |= found

    def put_curve(self, generation_id: int, trial: int, metric: str, steps: Any, points: Any) -> None:
        """Write a whole curve, soon; `steps` and `points` are sequences of numbers of the same length.

        Raises:
            StoreUnavailable: Too much is waiting, or the writer was closed.
        """
        curve = (series.to_blob(steps), series.to_blob(points))
        with self._changed:
            self._admit(1)
            self._waiting.curves[generation_id, trial, metric] = curve

    def clear_metrics(self, generation_id: int, trial: int) -> None:
        """Forget the windows and curves of a trial that were put or stored before; soon, and in order.

        What is put afterwards is kept: a trial that starts over may report at once.

        Raises:
            StoreUnavailable: Too much is waiting, or the writer was closed.
        """
        with self._changed:
            self._admit(1)
            self._waiting.clear({(generation_id, trial)})

    def compact(
        self, roll_up: series.RollUp, retention: Mapping[float, float], *, older_than: float = DAY
    ) -> None:
        """Merge old windows into wider ones, if that was last done so many seconds ago; see `Compaction`.

        The write lock is held for moments only; in between the others write.

        Raises:
            StoreUnavailable: Too much is waiting, or the writer was closed.
        """
        work, clock = Compaction(roll_up, retention), self._store.clock

        def begin(connection: Connection) -> None:
            if is_due(connection, clock.time(), older_than):
                go_on(connection)

        def go_on(connection: Connection) -> None:
            until = clock.monotonic() + _MOMENT
            if not work.step(connection, clock.time(), lambda: clock.monotonic() > until):
                with contextlib.suppress(StoreUnavailable):  # closing: the next opening goes on
                    self.put(go_on)

        self.put(begin)

    def flush(self, timeout: float = 60.0, *, tries: int | None = None) -> bool:
        """Wait until all that was put before is written; return whether it is.

        Args:
            timeout: Seconds to wait.
            tries: Give up at so many attempts that failed; by default a failure is waited out too.
        """
        with self._changed:
            goal, last = self._put_count, None if tries is None else self._failures + tries
            self._flushes += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(
                    lambda: (
                        self._over
                        or self._written_count >= goal
                        or (last is not None and self._failures >= last)
                    ),
                    timeout,
                )
                return self._written_count >= goal
            finally:
                self._flushes -= 1

    def close(self, timeout: float = 60.0) -> bool:
        """Write the rest, take nothing more, and end the thread; return whether all was written."""
        with self._changed:
            self._closing = True
        written = self.flush(timeout)
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return written

    def _admit(self, count: int) -> None:
        if self._closing:
            raise StoreUnavailable("the writer was closed")
        if count and len(self._waiting) + count > self._limit:
            raise StoreUnavailable(
                f"{len(self._waiting)} rows wait to be written: the store does not keep up"
            )
        self._put_count += count
        self._changed.notify_all()

    def _run(self) -> None:
        pause = 0.0
        while self._gather(pause):
            pause = self._write_once(pause)

    def _gather(self, pause: float) -> bool:
        """Wait for something to write, then a moment for more; return False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) or self._over)
            self._changed.wait_for(lambda: self._flushes or self._over, pause or self._interval)
            if pause and self._flushes:  # who waits for it does not make it hurry
                self._changed.wait_for(lambda: self._over, self._retry[0])
            return not self._over

    def _write_once(self, pause: float) -> float:
        """Write what waits; return how long to wait before the next attempt, 0 if it worked."""
        with self._changed:
            batch, self._waiting = self._waiting, _Batch()
            goal = self._put_count
        try:
            self._write(batch)
        except StoreError as exc:
            with self._changed:
                batch.put_under(self._waiting)
                self._waiting = batch
            if not pause:
                self._on_trouble(f"{exc}; metrics wait in memory and are written when it works again")
            with self._changed:
                self._failures += 1
                self._changed.notify_all()
            first, longest = self._retry
            return min(pause * 2, longest) or first
        if pause:
            self._on_trouble(None)  # before: who waits for a flush is to find all told
        with self._changed:
            self._written_count = goal
            self._changed.notify_all()
        self._checkpoint()
        return 0.0

    def _checkpoint(self) -> None:
        now = self._store.clock.monotonic()
        if now >= self._checkpoint_at:
            self._checkpoint_at = now + CHECKPOINT
            with contextlib.suppress(StoreError):  # a full disk: the log has it all the same
                self._store.checkpoint()

    def _write(self, batch: _Batch) -> None:
        if batch.windows or batch.curves or batch.cleared:
            with self._store.begin("write metrics") as connection:
                for generation_id, trial in batch.cleared:
                    series.clear(connection, generation_id, trial)
                series.save_windows(connection, list(batch.windows.values()))
                series.save_curves(connection, batch.curves)
            batch.cleared.clear()
            batch.windows.clear()
            batch.curves.clear()
        while batch.calls:
            self._call(batch.calls[0])
            batch.calls.popleft()

    def _call(self, call: Call) -> None:
        try:
            with self._store.begin("write behind") as connection:
                call(connection)
        except StoreUnavailable:
            raise
        except Exception as exc:  # noqa: BLE001  whatever a call raises, the next ones are written
            self._on_trouble(f"could not be written and was given up: {exc}")
