"""The claims about cells, in a real ipykernel: a trial lands in no cell, and a cell keeps what is its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

jupyter_client = pytest.importorskip("jupyter_client")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTPUTS = ("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output")
SETUP = """
import contextlib, io, json, logging, pathlib, sys, threading, warnings
from concurrent.futures import ThreadPoolExecutor
from IPython.display import clear_output, display, HTML, update_display
from rich import print as rich_print
from tqdm.auto import tqdm
%matplotlib inline
import matplotlib.pyplot as plt

before = logging.StreamHandler()
log = logging.getLogger("user")
log.addHandler(before)
stdout_before, kind_before, stdout_kind = sys.stdout, type(sys), type(sys.stdout)
stdin_before = sys.stdin

from astraml_lab.output import TrialSink, capture, install, uninstall
install()
sink = TrialSink(pathlib.Path(FOLDER) / "log.txt")

def said_by_trial():
    print("T-print")
    print("T-stderr", file=sys.stderr)
    print("T-kept", file=stdout_before)
    log.warning("T-logging")
    logging.warning("T-last-resort")
    warnings.warn("T-warning")
    display("T-display")
    display(HTML("T-html"), display_id="x")
    update_display(HTML("T-html"), display_id="x")
    clear_output()
    rich_print("T-rich")
    plt.figure()
    plt.plot([1, 2])
    plt.show()
    plt.figure()
    for _ in tqdm(range(3), desc="T-bar"):
        pass
    ThreadPoolExecutor(1).submit(print, "T-pool").result()
    inner = threading.Thread(target=print, args=("T-thread",))
    inner.start()
    inner.join()

class Trial:
    def __init__(self):
        self.go, self.done = threading.Event(), threading.Event()
        threading.Thread(target=self.run, daemon=True).start()
    def run(self):
        with capture(sink):
            self.go.wait()
            try:
                said_by_trial()
            except BaseException as error:
                print("T-failed", repr(error))
            self.done.set()
    def speak(self):
        self.go.set()
        assert self.done.wait(120)
"""


class Kernel:
    def __init__(self, client: Any) -> None:
        self._client = client

    def asked(self, code: str, answer: str) -> str:
        """Run a cell that asks, answer the first question, and return that."""
        self._client.execute(code)
        question = self._client.get_stdin_msg(timeout=120)["content"]["prompt"]
        self._client.input(answer)
        return str(question)

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell and return every output that arrives meanwhile, whichever cell it belongs to."""
        wanted = self._client.execute(code)
        outputs: list[dict[str, Any]] = []
        while True:
            message = self._client.get_iopub_msg(timeout=120)
            kind, content = message["msg_type"], message["content"]
            if kind in (
                "stream",
                "display_data",
                "update_display_data",
                "execute_result",
                "error",
                "clear_output",
            ):
                outputs.append({"kind": kind, **content})
            if (
                kind == "status"
                and content["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == wanted
            ):
                return outputs

    def text(self, code: str) -> str:
        """Run a cell that prints, and return what it printed; any other output is a failure."""
        outputs = self.run(code)
        assert all(output["kind"] == "stream" for output in outputs), outputs
        return "".join(output["text"] for output in outputs)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3")
    try:
        kernel = Kernel(client)
        folder: Path = tmp_path_factory.mktemp("kernel")
        outputs = kernel.run(f"FOLDER = {json.dumps(str(folder))}" + SETUP)
        assert not [output for output in outputs if output["kind"] == "error"], outputs
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def sink_text(kernel: Kernel) -> str:
    return kernel.text("print([line.text for line in sink.tail()])")


def test_nothing_of_a_trial_reaches_a_cell_and_the_cells_own_print_arrives(kernel: Kernel) -> None:
    assert kernel.text('print("C-before"); Trial().speak(); print("C-after")') == "C-before\nC-after\n"
    assert kernel.text('print("C-next")') == "C-next\n"
    log = sink_text(kernel)
    for said in (
        *(
            "print",
            "stderr",
            "kept",
            "logging",
            "last-resort",
            "warning",
            "display",
            "rich",
            "bar",
            "pool",
            "thread",
        ),
    ):
        assert f"T-{said}" in log
    assert "T-failed" not in log
    assert "IPython.core.display.HTML" in log
    assert "<Figure size" in log


def test_capture_cell_magic_gets_the_cell_and_only_the_cell(kernel: Kernel) -> None:
    assert kernel.text('%%capture got\nprint("C-captured")\ndisplay("C-shown")\nTrial().speak()') == ""
    assert (
        kernel.text("print(repr(got.stdout), repr(got.stderr), len(got.outputs))") == "'C-captured\\n' '' 1\n"
    )


def test_a_cells_figure_stays_in_its_cell_while_a_trial_shows_its_own(kernel: Kernel) -> None:
    outputs = kernel.run("plt.plot([1, 2, 3]); Trial().speak()")
    assert [output["kind"] for output in outputs] == ["display_data"]
    assert "image/png" in outputs[0]["data"]


def test_ipykernels_stream_methods_stay_reachable(kernel: Kernel) -> None:
    code = "print(sys.stdout is stdout_before, callable(sys.stdout.set_parent), type(sys.stdout).__name__)"
    assert kernel.text(code) == "True True OutStream\n"


ASK = """
from getpass import getpass
said = []
def ask():
    with capture(sink):
        for way in (input, getpass, lambda prompt: sys.stdin.readline()):
            try:
                said.append(way("T-ask"))
            except EOFError as error:
                said.append(str(error))
        sys.stdin = io.StringIO("own\\n")
        said.append(input())

asking = threading.Thread(target=ask)
asking.start()
asking.join(120)
said.append(input("C-ask"))
"""


def test_a_trial_asks_nobody_and_a_cell_asks_who_types(kernel: Kernel) -> None:
    assert kernel.asked(ASK, "forty") == "C-ask"
    line = "EOF when reading a line"
    assert kernel.text("print(said)") == f"{[line, line, line, 'own', 'forty']}\n"


def test_uninstalling_restores_the_kernel(kernel: Kernel) -> None:
    code = """uninstall()
from IPython import get_ipython
print(sys.stdout is stdout_before, vars(sys)["stdout"] is stdout_before, type(sys) is kind_before)
print(sys.stdin is stdin_before, vars(sys)["stdin"] is stdin_before)
print(type(stdout_before) is stdout_kind, type(get_ipython().display_pub).publish.__module__)
install()"""
    assert kernel.text(code) == "True True True\nTrue True\nTrue ipykernel.zmqshell\n"
