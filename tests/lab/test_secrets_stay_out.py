"""After jobs of every kind that tried to give a secret away, nothing on disk or shown holds it."""

from __future__ import annotations

import base64
import json
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import nbformat
import papermill
import pytest

import astraml_lab as lab
from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.errors import NotFound, NotInTrial
from astraml_lab.lab.requests import begin
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

VALUE = "s3cr/t+tok en=7!é"
REQUEST: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "model": "tiny",
    "dataset": ".",
    "hyperparams": {"hub_token": {"secret": "hf-token"}, "lr": {"min": 0.1, "max": 0.2}},
    "env": {"TOKEN": {"secret": "hf-token"}},
    "tuning": {"objective": {"metric": "score", "direction": "maximize"}, "max_trials": 2},
}
GIVES_AWAY = """
import base64, json, os, sys, urllib.parse
token = os.environ["TOKEN"]
assert token == os.environ["ASTRAML_HP_HUB_TOKEN"] == {value!r}
print("plain", token, json.dumps(token), urllib.parse.quote(token))
for piece in (token[:5], token[5:], "\\n"):
    sys.stdout.write(piece); sys.stdout.flush()
print(base64.encodebytes((token * 9).encode()).decode(), file=sys.stderr)
print(dict(os.environ), sys.argv)
print("score=1")
raise SystemExit(f"the hub does not take {{token}}")
"""


@pytest.fixture(autouse=True)
def _secret() -> None:
    for project in ("p-demo", "default"):
        lab.secrets.set("hf-token", VALUE, project=project)


def traces(text: str) -> list[str]:
    """Return which forms of the secret a text holds."""
    data = VALUE.encode()
    coded = base64.b64encode(data).decode().rstrip("=")
    forms = [VALUE, quote(VALUE), quote(VALUE, safe=""), quote_plus(VALUE), json.dumps(VALUE)[1:-1], coded]
    return [form for form in forms if form in text.replace("\n", "")]


def in_files(folder: Path) -> list[tuple[Path, list[str]]]:
    """Return the files below a folder that hold the secret, but for the one that keeps it."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "secrets.json"]
    found = [(file, traces(file.read_bytes().decode("utf-8", "replace"))) for file in files]
    return [(file, forms) for file, forms in found if forms]


def shown(job: Job) -> Iterable[str]:
    """Yield all that can be seen of a job."""
    yield from (repr(job), repr(job.spec), job.spec.model_dump_json(), job.df.to_csv(), repr(job.trials))
    yield job.figure("history").to_json()
    for number, trial in job.trials.items():
        yield from (trial.log.tail(), repr(trial.view()), job.debug(number))
    for form in ("astraml", "sagemaker", "vertex") if job.spec.origin is not None else ():
        yield repr(job.export(form))
    if job.spec.origin is not None:
        yield str(job.request)


def clean(job: Job, home: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """Hold everything against the secret; return what the log of trial 0 says."""
    for text in shown(job):
        assert traces(text) == [], text
    assert in_files(home) == []
    said = capfd.readouterr()
    assert traces(said.out + said.err) == []
    log = job.trials[0].log.tail()
    assert "***hf-token***" in log
    return log


def run(request: dict[str, Any], **more: Any) -> Job:
    return begin(request, **more).wait(120)


def test_a_script_that_a_request_runs(tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.py").write_text(GIVES_AWAY.format(value=VALUE))
    job = run(REQUEST, target=str(tmp_path / "train.py"), idempotency_key="monday")
    assert job.state is JobState.FAILED
    assert "the hub does not take ***hf-token***" in job.trials[0].view().reason
    log = clean(job, home, capfd)
    assert "plain ***hf-token***" in log
    assert "ASTRAML_SECRET" not in log
    answer = lab.api("GET", "/v2/tuning-jobs").body
    assert traces(json.dumps(answer)) == []
    assert answer["jobs"][0]["request"]["env"] == {"TOKEN": {"secret": "hf-token"}}


def test_a_function_in_place_of_a_model_gets_it_by_name(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    got: list[tuple[str, str, str, dict[str, Any]]] = []

    def train(trial: Trial, lr: float, hub_token: str) -> float:
        got.append((hub_token, trial.env["TOKEN"], trial.secret("hf-token"), dict(trial.params)))
        print(hub_token, trial, dict(trial.env), lr)  # noqa: T201 - that is the point
        raise ValueError(f"the hub does not take {hub_token * 40}")

    job = run(REQUEST, target=train)
    assert [each[:3] for each in got] == [(VALUE, VALUE, VALUE)] * 2
    assert [traces(repr(each[3])) for each in got] == [[], []]
    assert job.trials[0].view().reason.startswith("ValueError: the hub does not take ***hf-token***")
    clean(job, home, capfd)


def give_away(trial: Trial) -> float:
    """Print a secret in every way that there is."""
    from IPython.display import display
    from tqdm import tqdm

    token = trial.secret("hf-token")
    assert token == VALUE
    print(token, repr(token), sep="\n")  # noqa: T201 - that is the point
    sys.stderr.write(token[:7])
    sys.stderr.write(token[7:] + "\n")
    logging.getLogger("train").warning("log %s", token)
    warnings.warn(f"warned of {token}", stacklevel=1)
    display({"token": token})  # type: ignore[no-untyped-call]  # IPython's own
    for _ in tqdm(range(3), desc=f"bar {token}", mininterval=0):
        trial.report(score=1.0)
    print(base64.b64encode(f"user:{token}".encode()).decode())  # noqa: T201 - likewise
    if trial.number == 0:
        raise ValueError(f"no {token}" + "." * 280 + token)
    if trial.number == 1:
        trial.infeasible(f"not with {token}")
    return 1.0


@pytest.mark.filterwarnings("ignore:warned of")
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_function_that_asks_for_it(
    executor: str, bench: Bench, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = bench.run(give_away, executor=executor, trials=3, retries=1)
    log = clean(job, home, capfd)
    assert log.count("***hf-token***") >= 8
    views = {number: trial.view() for number, trial in job.trials.items()}
    assert views[0].reason.startswith("ValueError: no ***hf-token***")
    assert views[1].reason == "not with ***hf-token***"
    assert views[2].values == (1.0,)


def test_a_secret_that_is_not_there_fails_the_trial_in_a_sentence(bench: Bench) -> None:
    job = bench.run(lambda trial: len(trial.secret("nope")), trials=1)
    reason = job.trials[0].view().reason
    assert reason.startswith("the project default has no secret nope: run `astraml secret set nope`, or set")
    with pytest.raises(NotInTrial):
        lab.current_trial().secret("hf-token")


def test_a_request_for_a_secret_that_is_not_there_is_refused_and_one_removed_since_fails(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def train(lr: float) -> float:
        lab.secrets.remove("hf-token", project="p-demo")
        return lr

    job = run(REQUEST, target=train)
    first, second = (job.trials[number].view() for number in (0, 1))
    assert (first.values is not None, second.values) == (True, None)
    assert "the project p-demo has no secret hf-token: run `astraml secret set hf-token" in second.reason
    with pytest.raises(ProblemError) as refused:
        run(REQUEST, target=train)
    assert (refused.value.code, refused.value.pointers) == (
        "unknown-secret",
        ("/env/TOKEN", "/hyperparams/hub_token"),
    )
    assert in_files(home) == []
    assert traces(str(capfd.readouterr())) == []


CELLS = (
    "%load_ext astraml_lab\nimport astraml_lab as lab",
    """%%tune --maximize score --trials 2 --name cell
x = Float(0.0, 1.0)
token = trial.secret("hf-token")
print(token, trial)
display(token)
if trial.number:
    raise ValueError(token)
report(score=x)
""",
    "job = lab.job('cell')\nprint(job.debug(1)); print(job.export('cell')); job.show(); job.df",
    """with lab.foreground("cell", 0) as trial:
    token = trial.secret("hf-token")
    for piece in (token[:4], token[4:], "\\n"):
        print(piece, end="")
    print("done", token)""",
    "lab.secrets.list()",
    "%tune secret list",
    "%tune secret set other",
)


def test_a_cell_and_the_notebook_that_it_is_in(tmp_path: Path, home: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with pytest.raises(papermill.PapermillExecutionError) as failed:
        papermill.execute_notebook(
            str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False
        )
    assert "nobody is at the keyboard to be asked for other: run `astraml secret set other`" in str(
        failed.value
    )
    text = (tmp_path / "out.ipynb").read_text()
    assert traces(text) == []
    assert "done ***hf-token***" in text
    assert "default  hf-token  (file)" in text
    assert in_files(home) == []
    (log,) = home.rglob("0000/log.txt")
    assert log.read_text().count("***hf-token***") == 2
    with pytest.raises(NotFound):
        lab.secrets.remove("other")
