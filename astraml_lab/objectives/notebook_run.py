"""Executes one notebook by papermill for a trial.

Run as a file by the kernel's Python, in the notebook's folder, under a keeper that ends all that descends
from it. Its argument is a JSON file with what to do; it imports nothing of ours. Told to end, it saves the
notebook as far as it came and goes at once: the keeper ends the kernel, also one that hangs.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

_UNNEEDED = ("azure", "boto3", "gcsfs", "github", "isoduration", "pyarrow", "rfc3987_syntax")
"""What papermill imports for notebooks in clouds, and jsonschema for formats that notebooks have not: four
fifths of the seconds that the imports below would take."""
sys.modules.update(dict.fromkeys(_UNNEEDED))  # type: ignore[arg-type]  # None is how an import is refused

import nbformat  # noqa: E402 - behind that
import papermill  # noqa: E402
from nbclient.exceptions import DeadKernelError  # noqa: E402
from papermill.clientwrap import PapermillNotebookClient  # noqa: E402
from papermill.engines import NBClientEngine, papermill_engines  # noqa: E402
from papermill.exceptions import PapermillExecutionError  # noqa: E402
from papermill.iorw import LocalHandler, papermill_io  # noqa: E402
from traitlets.config import Config  # noqa: E402

_ENGINE = "astraml"
_AUTOSAVE = 5
_START = 120
_TOLD_TO_END = 143
_FAILED = 1
_FAILURE = "failure.json"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_QUIET = "\n".join(
    f'__import__("logging").getLogger("{name}").disabled = True'
    for name in ("IPKernelApp", "tornado.general")
)
_ENDED_HERE = "[astraml] The trial was told to end here.\n"


class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Executes the cells; what they show goes to this process's streams, and so to the trial's log.

    Attributes:
        running: The one that is at work.
        index: Which cell that is.
    """

    running: Client | None = None
    index = 0

    def execute(self, **options: Any) -> Any:
        """Execute all cells."""
        type(self).running = self
        return super().execute(**options)

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Execute one cell."""
        self.index = cell_index
        return super().execute_cell(cell, cell_index, **options)

    def papermill_execute_cells(self) -> None:
        """Execute all cells, and then have the kernel end in silence.

        Jupyter interrupts a kernel before it shuts it down, and ipykernel 7.4 then closes sockets that its
        control thread still writes to. What is logged of either would be the end of the trial's log, and
        look as if the trial had failed.
        """
        super().papermill_execute_cells()
        if self.km.kernel_spec.language == "python":
            self.wait_for_reply(self.kc.execute(_QUIET, silent=True, store_history=False))

    def log_output_message(self, output: Any) -> None:
        """Print what a cell printed or displayed."""
        if output.output_type == "stream":
            stream = sys.stderr if output.name == "stderr" else sys.stdout
            stream.write("".join(output.text))
        elif "text/plain" in output.get("data", {}):
            sys.stdout.write("".join(output.data["text/plain"]).rstrip("\n") + "\n")
        sys.stdout.flush()
        sys.stderr.flush()


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Papermill's engine with our client."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, folder: str, **_options: Any) -> Any:
        """Execute a notebook."""
        # No port is opened. Left to itself, Jupyter puts the sockets of all such kernels into the working
        # directory, under the same names.
        own = {"transport": "ipc", "ip": f"{folder}/kernel", "connection_file": f"{folder}/kernel.json"}
        config = Config({"KernelManager": own})
        # How long it may take to begin, and then, per cell, to send the last of what the cell has given.
        patience = {"startup_timeout": _START, "iopub_timeout": _START}
        client = Client(nb_man, log_output=True, kernel_name=kernel_name, config=config, **patience)
        return client.execute()


class WholeFiles(LocalHandler):  # type: ignore[misc]  # papermill has no types
    """Writes a notebook so that whoever reads it meanwhile, or kills this process, finds a whole one."""

    def write(self, text: str, path: str) -> None:
        """Write a file."""
        draft = Path(f"{path}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


def main(request: dict[str, Any]) -> int:
    """Execute the notebook; returns the exit code."""
    notebook, failure = request["notebook"], Path(request["folder"], _FAILURE)
    papermill_engines.register(_ENGINE, Engine)
    papermill_io.register(str(Path(notebook).parent), WholeFiles())
    signal.signal(signal.SIGTERM, lambda *_: told_to_end(notebook))
    try:
        papermill.execute_notebook(
            # papermill fills braces in paths: these are meant as they are
            _verbatim(notebook),
            _verbatim(notebook),
            parameters=request["parameters"],
            engine_name=_ENGINE,
            kernel_name=request["kernel"] or None,
            progress_bar=False,
            autosave_cell_every=_AUTOSAVE,
            folder=request["folder"],
        )
    except PapermillExecutionError as error:
        text = _plain("\n".join(error.traceback)) or f"{error.ename}: {error.evalue}"
        sys.stderr.write(text + "\n")
        return _failed(failure, name=error.ename, said=_plain(error.evalue), cell=error.exec_count, text=text)
    except DeadKernelError:
        at = Client.running.index if Client.running is not None else 0
        return _failed(failure, name="", said="its kernel died", cell=_count(at), text="")
    return 0


def told_to_end(notebook: str) -> None:
    """Save the notebook as far as it came, and go."""
    try:
        client = Client.running
        if client is not None:
            nb = client.nb_man.nb
            cell = nb.cells[client.index]
            if cell.cell_type == "code":
                cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text=_ENDED_HERE))
            WholeFiles().write(nbformat.writes(nb), notebook)
    finally:
        os._exit(_TOLD_TO_END)


def _count(index: int) -> int | None:
    """Return which of the code cells a cell is, from 1: what stands beside it in the executed notebook."""
    client = Client.running
    if client is None:
        return None
    return sum(1 for each in client.nb_man.nb.cells[: index + 1] if each.cell_type == "code")


def _failed(file: Path, **said: Any) -> int:
    file.write_text(json.dumps(said), encoding="utf-8")
    return _FAILED


def _verbatim(path: str) -> str:
    return path.replace("{", "{{").replace("}", "}}")


def _plain(text: str) -> str:
    return _ESCAPES.sub("", text)


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
