from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
BUNDLE = {
    f"astraml_lab/ui/static/{widget}"
    for widget in ("dashboard.js", "dashboard.css", "form.css", "hands.js", "jobs.css", "jobs.js")
}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "widgets" / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def touch(path: Path, seconds: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))
    return path


def bundle(folder: Path, outputs: tuple[int, int]) -> tuple[list[Path], list[Path]]:
    made = [touch(folder / name, seconds) for name, seconds in zip(("x.js", "x.css"), outputs, strict=True)]
    return made, [touch(folder / "src.js", 10), touch(folder / "src.css", 20)]


def test_the_install_built_the_bundle_with_plotly_inside() -> None:
    assert all((ROOT / name).is_file() for name in BUNDLE)
    assert "plotly.js" in (ROOT / "astraml_lab/ui/static/dashboard.js").read_text()


@pytest.mark.parametrize("outputs", [(30, 40), (21, 21)])
def test_a_bundle_is_fresh_when_all_of_it_is_newer_than_all_its_sources(
    hook: ModuleType, tmp_path: Path, outputs: tuple[int, int]
) -> None:
    assert hook.is_fresh(*bundle(tmp_path, outputs))


@pytest.mark.parametrize("outputs", [(15, 40), (20, 40)])
def test_a_bundle_is_stale_when_a_part_of_it_is_no_newer_than_a_source(
    hook: ModuleType, tmp_path: Path, outputs: tuple[int, int]
) -> None:
    assert not hook.is_fresh(*bundle(tmp_path, outputs))


def test_a_bundle_is_stale_when_a_part_of_it_is_missing(hook: ModuleType, tmp_path: Path) -> None:
    made, made_from = bundle(tmp_path, (30, 40))
    made[0].unlink()
    assert not hook.is_fresh(made, made_from)


def test_a_new_source_file_makes_the_bundle_stale(hook: ModuleType, tmp_path: Path) -> None:
    added = touch(tmp_path / "src" / "charts" / "pareto.js", 10)
    assert added in hook.sources(tmp_path)


def test_an_unreachable_registry_is_one_plain_sentence(hook: ModuleType, tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "widgets" / name, tmp_path)
    (tmp_path / ".npmrc").write_text(
        f"registry=http://127.0.0.1:9/\nfetch-retries=0\ncache={tmp_path}/cache\n"
    )

    with pytest.raises(hook.FrontEndError) as caught:
        hook.run_npm(["ci", "--omit=dev"], tmp_path)

    message = str(caught.value)
    assert "npm cannot reach its package registry" in message
    assert "\n" not in message


def test_another_failure_of_npm_is_told_in_its_words(hook: ModuleType) -> None:
    message = hook.explain("run", "\nX [ERROR] Could not resolve ./charts\n    src/dashboard.js:3:7\n")
    assert message.endswith("`npm run` said: X [ERROR] Could not resolve ./charts")


def test_the_quickstart_notebook_travels_in_the_wheel(hook: ModuleType, tmp_path: Path) -> None:
    assert hook.wheel_notebooks(tmp_path) == {}
    touch(tmp_path / "quickstart.ipynb", 10)
    touch(tmp_path / "scratch.ipynb", 10)
    placed = hook.wheel_notebooks(tmp_path)
    assert list(placed.values()) == ["astraml_lab/notebooks/quickstart.ipynb"]


@pytest.mark.slow
def test_a_wheel_from_a_clean_copy_holds_the_front_end_and_the_types_marker(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = tmp_path / "copy"
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)

    # Without isolation: the build requirements are test requirements too.
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "./copy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert names >= {*BUNDLE, "astraml_lab/py.typed"}
    has_notebook = (ROOT / "notebooks" / "quickstart.ipynb").is_file()
    assert ("astraml_lab/notebooks/quickstart.ipynb" in names) == has_notebook
