"""What an update of 20 trials with 250 points costs the kernel: our dashboard, and plotly's FigureWidget.

Both send through a real Jupyter session (serialized and signed, to a ZeroMQ socket that drops everything), in
this process. Two cases: every point of every line is new, and each running trial has reported once more.
"""

from __future__ import annotations

import gc
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

if TYPE_CHECKING:
    from collections.abc import Callable

TRIALS, POINTS, ROUNDS = 20, 250, 40


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


def bench_dashboard(*, growing: bool) -> tuple[float, float]:
    """Measure our dashboard."""
    from plugins.fake_job import FakeReader

    from astraml_lab.clock import FakeClock
    from astraml_lab.spec import CurveView
    from astraml_lab.ui.dashboard import Dashboard

    class Reader(FakeReader):
        """Curves of 250 points that are all new, or that have grown by one."""

        number = 0

        def curve(self, trial: int, metric: str) -> CurveView:
            size = POINTS - 60 + self.number if growing else POINTS
            values = CURVES[0 if growing else self.number][trial, :size]
            return CurveView(trial, metric, np.arange(size, dtype=float), values, self.number + 1)

    clock = FakeClock()
    reader = Reader(clock=clock)
    for trial in range(TRIALS):
        reader.start(trial, lr=0.001, width=64)
        reader.report(trial, 1, loss=0.5)
    board = Dashboard(reader, clock=clock)

    def update(number: int) -> None:
        reader.number = number
        clock.advance(0.25)
        board._handle_custom_msg({"t": "alive", "c": "view", "want": [["loss", "step"]]}, [])
        board.publish()

    measured = measure(update)
    board.close()
    return measured


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
    whole, whole_bytes = bench_dashboard(growing=False)
    grown, grown_bytes = bench_dashboard(growing=True)
    theirs, their_bytes = bench_figure_widget()
    WIRE.socket.close()
    print(f"{TRIALS} trials x {POINTS} points, one update, median of {ROUNDS}, CPU of the kernel's process")
    print(f"dashboard, every point is new        {whole:6.2f} ms  {whole_bytes / 1000:7.1f} kB")
    print(f"dashboard, one more point per trial  {grown:6.2f} ms  {grown_bytes / 1000:7.1f} kB")
    print(f"FigureWidget, float32, batch_update  {theirs:6.2f} ms  {their_bytes / 1000:7.1f} kB")
    print(f"dashboard: ms_update={whole:.2f} x_figurewidget={theirs / whole:.1f}")


if __name__ == "__main__":
    main()
