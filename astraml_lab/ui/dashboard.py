"""The live view of a job: a widget that hears its views and sends what changed."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import traitlets

from astraml_lab.clock import SystemClock
from astraml_lab.spec import JobState
from astraml_lab.ui.actions import Actions, request_of
from astraml_lab.ui.audience import Audience, numbers_of
from astraml_lab.ui.cell_watch import WATCH
from astraml_lab.ui.choice import Choice
from astraml_lab.ui.feed import Feed
from astraml_lab.ui.page_widget import STATIC, PageWidget
from astraml_lab.ui.schedule import PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.ui.choice import Selection

BEAT_SECONDS = 5.0
"""A watched dashboard says this often that its kernel lives."""
SLOW_SECONDS = 2.0
"""The rate while a cell keeps the views' "alive" from being heard."""
SLOW_LIMIT = 900.0
"""After so long a silence nobody is supposed to look any more: a server would keep each frame for them."""


class Dashboard(PageWidget):
    """The live view of one job, in as many places as it is shown.

    Messages arrive on the kernel's main thread or, while a cell runs, on a subshell's; everything that is
    sent goes through `publish`, on the publisher's thread.
    """

    _esm = STATIC / "dashboard.js"
    _css = STATIC / "dashboard.css"
    named = traitlets.Unicode().tag(sync=True)
    """Its own name in a notebook: a page that loads a saved notebook looks for it."""

    def __init__(
        self,
        reader: JobReader,
        *,
        actions: Actions | None = None,
        selection: Selection | None = None,
        clock: Clock | None = None,
        wake: Callable[[], object] = lambda: None,
        why: Callable[[int], str] | None = None,
    ) -> None:
        """Build the widget; nothing is sent before a view asks.

        Args:
            reader: The job.
            actions: What its buttons do.
            selection: Which trials are selected; shared with Python.
            clock: Time, for tests.
            wake: Called from any thread when `publish` should be called soon.
            why: Says why a trial was tried; asked for the trial that is looked at.
        """
        self._reader = reader
        self._clock = clock or SystemClock()
        self._actions = actions or Actions()
        self._choice = None if selection is None else Choice(selection)
        self._audience = Audience(self._clock)
        self._feed = Feed(reader, self._clock, self._choice, why)
        self._kept = False
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._start_over = threading.Event()
        self._wake = wake
        self._sent_at = 0.0
        self._sequence = 0
        self._hears_while_busy = False
        self._state: JobState | None = None
        self._watching_cells = True
        self._keeps = False
        self._greeted = 0
        WATCH.attach()
        super().__init__()
        self.named = self.model_id or ""

    @property
    def state(self) -> JobState | None:
        """The state of the job when it was last looked at."""
        return self._state

    @property
    def ended(self) -> bool:
        """Whether the job was over when it was last looked at."""
        return self._state is not None and self._state.ended

    @property
    def at_rest(self) -> bool:
        """Whether the job, when last looked at, would not move by itself: over, or its kernel gone."""
        return self.ended or self._state is JobState.STALE

    @property
    def keeps(self) -> bool:
        """Whether a page said that it stores the picture and goes on showing the view."""
        return self._keeps

    @property
    def greeted(self) -> int:
        """How many times views have asked for everything so far, first when they were opened."""
        return self._greeted

    def watched(self) -> bool:
        """Whether anybody looks."""
        return self._audience.looking()

    def send_picture(self, picture: dict[str, Any], *, last: bool) -> None:
        """Have the pages store this picture where the saved notebook would hold the widget."""
        self.send({"t": "picture", "data": picture, "last": last})

    def tell_deleted(self) -> None:
        """Have the views know that the job was deleted: nothing follows what they show."""
        self.send({"t": "deleted"})

    def keep(self) -> None:
        """Have the views know that no picture takes their place at the end of the job."""
        self._kept = True

    def publish(self) -> float | None:
        """Send what is due; return the seconds until the next call, or `None` while nobody looks."""
        while not self._answers.empty():
            self.send(self._answers.get())
        pause = self._pause()
        if pause is None:
            self._state = self._reader.view().state
            return None
        try:
            self._send_changes()
        except BaseException:
            # What the frame held is nowhere else: the next one has to hold everything.
            self._start_over.set()
            raise
        return PERIOD if self._feed.more else pause

    def close(self) -> None:
        """Close the widget for good."""
        if getattr(self, "_watching_cells", False):
            self._watching_cells = False
            WATCH.detach()
        super().close()

    def _send_changes(self) -> None:
        if self._start_over.is_set():
            self._start_over.clear()
            self._feed.start_over()
        frame = self._feed.frame(self._audience.attention())
        self._state = self._feed.state
        now = self._clock.monotonic()
        if frame is not None:
            self._sent_at = now
            self._sequence += 1
            content = {
                "t": "frame",
                "seq": self._sequence,
                "can": self._actions.names,
                "model": self.model_id,
                "kept": self._kept,
            }
            self.send(content, frame.buffers())
        elif now - self._sent_at >= BEAT_SECONDS:
            self._sent_at = now
            self.send({"t": "beat"})

    def _pause(self) -> float | None:
        """Return the time between two frames, or `None` while nobody looks."""
        if self._audience.looking():
            return PERIOD
        deaf = WATCH.running and not self._hears_while_busy
        return SLOW_SECONDS if deaf and self._audience.silence() < SLOW_LIMIT else None

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message.get("t")
        self._hears_while_busy = threading.current_thread() is not threading.main_thread()
        changed = self._audience.hear(message)
        if message.get("keeps") is True:
            self._keeps = True
        if kind == "hello":
            self._greeted += 1
            self._start_over.set()
        elif kind == "do":
            self._act(message)
        elif kind == "select" and self._choice is not None:
            self._choice.hear(message, numbers_of(message.get("numbers")))
        if changed or kind in {"hello", "do", "select"}:
            self._wake()

    def _act(self, message: dict[str, Any]) -> None:
        request = request_of(message)
        if request is None:
            return
        # To take a job over can last seconds: the page is told first that somebody is at it.
        self._answers.put({"t": "taken", "id": request.token})
        self._wake()
        answer = self._actions.run(request)
        self._answers.put({"t": "done", "do": request.name, "id": request.token} | answer.message())
