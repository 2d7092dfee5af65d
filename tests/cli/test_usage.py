"""A line that is no command with its options is one sentence, with the nearest right spelling; status 2."""

from __future__ import annotations

import json
import sys

import pytest

from astraml_lab.cli import main


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> tuple[str, str]:
    """Run a line; return what it prints for programs and for people."""
    monkeypatch.setattr(sys, "argv", ["astraml", *line.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    shown = capsys.readouterr()
    return shown.out, shown.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("submit --float x=", "no such option: --float (did you mean `--tune NAME=MIN:MAX`?)"),
        ("submit --trials 5", "no such option: --trials (did you mean `--max-trials N`?)"),
        ("submit --maximise a", "(did you mean `--metric NAME --direction maximize`?)"),
        ("submit --prject p", "no such option: --prject (did you mean `--project`?)"),
        ("wait --tiemout 3", 'no such option: --tiemout (did you mean "--timeout"?); `astraml wait --help`'),
        ("subimt", "no such command 'subimt' (did you mean 'submit'?); `astraml --help`"),
        ("schedule lst", "(did you mean 'list'?); `astraml schedule --help`"),
        ("submit --lr", "option '--lr' requires an argument"),
    ],
)
def test_a_wrong_line_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    out, wrong = told(monkeypatch, capsys, line)

    assert out == ""
    assert wrong.startswith("astraml: ")
    assert wrong.count("\n") == 1
    assert said in wrong


def test_a_program_gets_a_wrong_line_as_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = told(monkeypatch, capsys, "list --json --staet RUNNING")

    assert json.loads(out)["code"] == "WrongLine"


def test_no_command_at_all_shows_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, wrong = told(monkeypatch, capsys, "")

    assert "quickstart" in out + wrong
