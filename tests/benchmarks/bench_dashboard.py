"""What an update of 20 trials with 250 points costs the kernel: our dashboard, and plotly's FigureWidget.

Both send through a real Jupyter session (serialized and signed, to a ZeroMQ socket that drops everything), in
this process. Two cases: every point of every line is new, and each running trial has reported once more. The
second one again for a job that has 10,000 finished trials beside them, and what it costs to open that one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import comm

sys.path.insert(0, str(Path(__file__).parents[1]))
from plugins.dashboard_cost import MANY, ROUNDS, WIRE, WireComm, bench_dashboard, bench_figure_widget
from plugins.large_job import POINTS
from plugins.large_job import RUNNING as TRIALS


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
