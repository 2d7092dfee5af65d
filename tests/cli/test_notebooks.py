from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from astraml_lab.cli import notebooks
from astraml_lab.cli.app import app
from astraml_lab.errors import NotFound


def test_the_repositorys_notebooks_are_opened_and_an_installed_package_says_what_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, said = notebooks._place()
    assert place == Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
    assert str(place) in said

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        notebooks, "__file__", str(tmp_path / "site" / "astraml_lab" / "cli" / "notebooks.py")
    )
    place, said = notebooks._place()
    assert place == tmp_path
    assert said.startswith(f"JupyterLab opens the current folder, {tmp_path}")


def test_what_is_not_there_is_not_opened() -> None:
    with pytest.raises(NotFound, match=r"there is no nothing\.ipynb"):
        CliRunner().invoke(app, ["lab", "nothing.ipynb"], catch_exceptions=False)
