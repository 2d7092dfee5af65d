"""What an update of 20 trials with 250 points costs the kernel: our dashboard, and plotly's FigureWidget.

Both send through a real Jupyter session (serialized and signed, to a ZeroMQ socket that drops everything), in
this process. Two cases: every point of every line is new, and each running trial has reported once more. The
second one again for a job that has 10,000 finished trials beside them, and what it costs to open that one.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import comm.base_comm
import numpy as np
import zmq
from ipykernel.jsonutil import json_clean
from jupyter_client.session import Session

sys.path.insert(0, str(Path(__file__).parents[1]))
from plugins.fake_job import FakeReader

from astraml_lab.clock import FakeClock
from astraml_lab.spec import CurveView, TrialState, TrialView

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.spec import ParamValue
    from astraml_lab.ui.dashboard import Dashboard

TRIALS, POINTS, ROUNDS = 20, 250, 40
MANY = 10_000
"""Finished trials of the large job."""


class Wire:
    """Where the bytes of all comms go, and how many they are."""

    def __init__(self) -> None:
        self.session = Session(key=b"a benchmark's key")
        self.socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
        self.socket.bind("inproc://bench")
        self.bytes = 0

    def send(self, msg_type: str, content: dict[str, Any], buffers: list[Any]) -> None:
        """Serialize, sign and send as ipykernel does."""
        if self.socket.closed:  # the interpreter closes the last widgets when all else is gone
            return
        parts = self.session.serialize(self.session.msg(msg_type, json_clean(content)))  # type: ignore[no-untyped-call]  # ipykernel leaves it untyped
        parts += [bytes(memoryview(buffer).cast("B")) for buffer in buffers]
        self.bytes += sum(map(len, parts))
        self.socket.send_multipart(parts)


WIRE = Wire()


class WireComm(comm.base_comm.BaseComm):
    """A comm that sends into the wire."""

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        """Send one message."""
        del metadata
        WIRE.send(msg_type, {"data": data or {}, "comm_id": self.comm_id, **keys}, list(buffers or []))


def measure(update: Callable[[int], None]) -> tuple[float, float]:
    """Return the median CPU milliseconds and the bytes of one update."""
    for number in range(5):
        update(number)
    WIRE.bytes, costs = 0, []
    gc.collect()
    for number in range(5, 5 + ROUNDS):
        before = time.process_time()
        update(number)
        costs.append(1_000 * (time.process_time() - before))
    return statistics.median(costs), WIRE.bytes / ROUNDS


def curves(number: int) -> np.ndarray:
    """Return what 20 trials have reported after update `number`."""
    steps = np.arange(POINTS) + number
    return np.asarray(np.sin(steps / 40 + np.arange(TRIALS)[:, None]) + steps / 300)


CURVES = [curves(number) for number in range(5 + ROUNDS)]


class LargeReader(FakeReader):
    """A job of many finished trials and some running ones, whose reports a benchmark counts out.

    It finds what changed as the kernel's own reader does: without a walk through all trials.
    """

    def __init__(self, clock: FakeClock, finished: int, *, growing: bool) -> None:
        super().__init__(clock=clock, trials=finished + TRIALS)
        self.number, self.growing, self.first = 0, growing, finished
        rng = np.random.default_rng(0)
        lrs, widths, values = (
            10 ** rng.uniform(-4, -1, finished),
            rng.integers(16, 256, finished),
            rng.uniform(size=finished),
        )
        for number in range(finished + TRIALS):
            runs = number >= finished
            value = 0.5 if runs else float(values[number])
            params: dict[str, ParamValue] = {
                "lr": 0.001 if runs else float(lrs[number]),
                "width": 64 if runs else int(widths[number]),
            }
            self._trials[number] = TrialView(
                number,
                TrialState.RUNNING if runs else TrialState.COMPLETE,
                params,
                values=None if runs else (value,),
                metrics={"accuracy": value},
                started_at=clock.time(),
                ended_at=None if runs else clock.time() - 60,
                device="cpu",
                step=POINTS,
            )
        self._changed = dict.fromkeys(self._trials, 1)
        self._cursor = 1
        self.change(
            metric_names=("accuracy",),
            counts={TrialState.COMPLETE: finished, TrialState.RUNNING: TRIALS},
            running=tuple(range(finished, finished + TRIALS)),
            best=(int(values.argmax()),) if finished else (),
        )

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Look from the latest change back."""
        changed = itertools.takewhile(lambda number: self._changed[number] > since, reversed(self._changed))
        return self._cursor, tuple(self._trials[number] for number in sorted(changed))

    def curve(self, trial: int, metric: str) -> CurveView:
        """Return points that are all new, or one more; of a finished trial always the same."""
        if trial < self.first:
            return CurveView(trial, metric, np.arange(POINTS, dtype=float), CURVES[0][trial % TRIALS], 1)
        size = POINTS - 60 + self.number if self.growing else POINTS
        values = CURVES[0 if self.growing else self.number][trial - self.first, :size]
        return CurveView(trial, metric, np.arange(size, dtype=float), values, self.number + 1)

    def move(self, number: int) -> None:
        """Let every running trial report once more."""
        self.number = number
        self._cursor += 1
        for trial in range(self.first, self.first + TRIALS):
            self._trials[trial] = dataclasses.replace(self._trials[trial], step=POINTS + number)
            del self._changed[trial]
            self._changed[trial] = self._cursor


@dataclasses.dataclass(frozen=True)
class Opened:
    """What it cost to open a job."""

    first_ms: float
    """Of the kernel's CPU until the first frame was sent: chart and first rows."""
    first_bytes: int
    frames: int
    """Until the view had everything."""
    all_ms: float
    all_bytes: int


def bench_dashboard(finished: int = 0, *, growing: bool) -> tuple[float, float, Opened]:
    """Measure our dashboard: an update, and the opening before it."""
    from astraml_lab.ui.dashboard import Dashboard

    clock = FakeClock()
    reader = LargeReader(clock, finished, growing=growing)
    board = Dashboard(reader, clock=clock)
    opened = bench_opening(board, clock)

    def update(number: int) -> None:
        reader.move(number)
        clock.advance(0.25)
        board._handle_custom_msg({"t": "alive", "c": "view", "want": [["accuracy", "step"]]}, [])
        board.publish()

    cost, size = measure(update)
    board.close()
    return cost, size, opened


def bench_opening(board: Dashboard, clock: FakeClock) -> Opened:
    """Let a view come, and send until it has everything."""
    WIRE.bytes = 0
    began = time.process_time()
    board._handle_custom_msg({"t": "hello", "c": "view", "want": [["accuracy", "step"]]}, [])
    board.publish()
    first_ms, first_bytes = 1_000 * (time.process_time() - began), WIRE.bytes
    frames = 1
    while board._feed.more:
        clock.advance(0.25)
        board.publish()
        frames += 1
    return Opened(first_ms, first_bytes, frames, 1_000 * (time.process_time() - began), WIRE.bytes)


def bench_figure_widget() -> tuple[float, float]:
    """Measure plotly's own widget, fed in the way that is cheapest for it."""
    import plotly.graph_objects as go

    figure = go.FigureWidget([go.Scatter(y=line.astype("f4")) for line in CURVES[0]])

    def update(number: int) -> None:
        data = CURVES[number].astype("f4")
        with figure.batch_update():
            for trace, line in zip(figure.data, data, strict=True):
                trace.y = line

    measured = measure(update)
    figure.close()
    return measured


def main() -> None:
    """Print the figures; the last line is for machines."""
    comm.create_comm = WireComm
    whole, whole_bytes, _ = bench_dashboard(growing=False)
    grown, grown_bytes, small = bench_dashboard(growing=True)
    many, many_bytes, large = bench_dashboard(MANY, growing=True)
    theirs, their_bytes = bench_figure_widget()
    WIRE.socket.close()
    print(f"{TRIALS} trials x {POINTS} points, one update, median of {ROUNDS}, CPU of the kernel's process")
    print(f"dashboard, every point is new        {whole:6.2f} ms  {whole_bytes / 1000:7.1f} kB")
    print(f"dashboard, one more point per trial  {grown:6.2f} ms  {grown_bytes / 1000:7.1f} kB")
    print(f"the same beside {MANY:,} finished    {many:6.2f} ms  {many_bytes / 1000:7.1f} kB")
    print(f"FigureWidget, float32, batch_update  {theirs:6.2f} ms  {their_bytes / 1000:7.1f} kB")
    for words, each in ((f"{TRIALS} trials", small), (f"{MANY:,} trials", large)):
        print(
            f"opening {words:<15} first frame {each.first_ms:6.2f} ms  {each.first_bytes / 1000:7.1f} kB, "
            f"all: {each.frames} frames {each.all_ms:7.2f} ms  {each.all_bytes / 1000:7.1f} kB"
        )
    print(
        f"dashboard: ms_update={whole:.2f} x_figurewidget={theirs / whole:.1f} "
        f"ms_large={many:.2f} ms_open_large={large.first_ms:.1f}"
    )


if __name__ == "__main__":
    main()
