"""What dashboards cost the kernel, sent through a real Jupyter session whose socket drops everything."""

from __future__ import annotations

import dataclasses
import gc
import statistics
import time
from typing import TYPE_CHECKING, Any

import comm.base_comm
import numpy as np
import zmq
from ipykernel.jsonutil import json_clean
from jupyter_client.session import Session
from plugins.large_job import POINTS, LargeReader
from plugins.large_job import RUNNING as TRIALS

from astraml_lab.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.ui.dashboard import Dashboard

ROUNDS = 40
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
    reader = LargeReader(finished, clock=clock, growing=growing)
    board = Dashboard(reader, clock=clock)
    opened = bench_opening(board, clock)

    def update(_number: int) -> None:
        reader.move()
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


def bench_figure_widget(finished: int = 0) -> tuple[float, float]:
    """Measure plotly's own widget, fed in the way that is cheapest for it; what has finished are marks."""
    import plotly.graph_objects as go

    marks = np.random.default_rng(0).uniform(size=finished).astype("f4")
    figure = go.FigureWidget([go.Scatter(y=line.astype("f4")) for line in CURVES[0]])
    if finished:
        figure.add_scatter(y=marks, mode="markers")

    def update(number: int) -> None:
        data = CURVES[number].astype("f4")
        with figure.batch_update():
            for trace, line in zip(figure.data, data, strict=False):
                trace.y = line
            if finished and number % 4 == 0:
                figure.data[-1].y = np.append(figure.data[-1].y, np.float32(0.5))

    measured = measure(update)
    figure.close()
    return measured
