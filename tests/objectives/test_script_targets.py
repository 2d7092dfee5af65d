"""What runs in place of the images, modules and models that requests name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from plugins.scripts import script_spec

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.jobs.code_again import code_of
from astraml_lab.objectives import Command, ScriptCode
from astraml_lab.objectives.script_project import project_of
from astraml_lab.objectives.script_targets import TARGETS, Registry, best, runs
from astraml_lab.spec import Dialect, Int, Script

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.scripts import ScriptBench

IMAGE = "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"


def train(trial: Any) -> float:
    """Stand in for a training."""
    return float(trial.params["x"])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (IMAGE, IMAGE),
        ("xgboost:1", IMAGE),
        ("xgboost:*", IMAGE),
        ("xgboost", IMAGE),
        ("*.amazonaws.com/xgboost:*", IMAGE),
        ("xgboost:*", "registry/xgboost"),
        ("xgboost", "registry/xgboost@sha256:0123"),
        ("my-algorithm", "arn:aws:sagemaker:us-east-1:123456789012:algorithm/my-algorithm"),
        ("trainer.*", "trainer.task"),
        ("bert-base", "bert-base"),
    ],
)
def test_a_pattern_fits_the_name_and_the_last_part_of_its_path(pattern: str, name: str) -> None:
    registry = Registry()
    registry.register(pattern, train)
    assert best(name, [registry]) is not None


@pytest.mark.parametrize("pattern", ["xgb", "XGBoost:*", "xgboost:2", "pytorch*"])
def test_other_patterns_do_not(pattern: str) -> None:
    registry = Registry()
    registry.register(pattern, train)
    assert best(IMAGE, [registry]) is None


def test_the_most_specific_pattern_wins_and_of_equals_the_latest() -> None:
    registry, project = Registry(), Registry()
    for pattern in ("*", "xgboost:*", "xgb*"):
        registry.register(pattern, Command(pattern))
    found = best(IMAGE, [registry])
    assert found is not None
    assert found[0] == Command("xgboost:*")
    project.register("xgboost:1", Command("project"))
    found = best(IMAGE, [registry, project])
    assert found is not None
    assert found[0] == Command("project")
    registry.register("xgboost:1", Command("registered"))
    found = best(IMAGE, [registry, project])
    assert found is not None
    assert found[0] == Command("registered")


def test_what_nothing_runs_is_refused_with_the_line_that_registers_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        ScriptCode(script_spec(target=IMAGE, convention=Dialect.SAGEMAKER), folder=tmp_path)
    assert str(refused.value) == (
        f"nothing here runs {IMAGE}: register what does, `lab.register('xgboost:*', train)` with a function "
        "train(trial), or with a script's path"
    )


def test_a_target_that_is_none_is_refused_where_it_is_registered(tmp_path: Path) -> None:
    for target, words in (
        ("nonesuch.py", "there is no file"),
        ("no.such.module", "none of that"),
        (7, "a function"),
    ):
        with pytest.raises(InvalidSpec, match=words):
            Registry().register("x", target, tmp_path)


def test_a_script_a_module_and_a_command_become_command_lines(scripts: ScriptBench) -> None:
    path = scripts.write("", "jobs/train.py")
    scripts.write("", "trainer/__init__.py")
    module = scripts.write("", "trainer/task.py")
    script = Script(convention=Dialect.VERTEX, target="image", command=("python", "/app/main.py"))
    found = runs("jobs/train.py", scripts.folder)
    assert (found.start, found.folder, found.files) == ((sys.executable, str(path)), path.parent, (path,))
    found = runs("trainer.task", scripts.folder)
    assert (found.start, found.folder) == ((sys.executable, "-m", "trainer.task"), scripts.folder)
    assert found.files == (module,)
    assert "trainer" not in sys.modules
    assert runs(Command("sh", "run.sh"), scripts.folder).start == ("sh", "run.sh")
    assert runs(Command(), scripts.folder, script).start == ("python", "/app/main.py")
    with pytest.raises(InvalidSpec, match="the request says no command"):
        runs(Command(), scripts.folder, script.model_copy(update={"command": ()}))


def test_a_module_that_a_request_names_runs_without_registration(scripts: ScriptBench) -> None:
    scripts.write("print('score=2')", "trainer/task.py")
    spec = script_spec(target="trainer.task", module=True, trials=1)
    job = scripts.run(spec, None)
    assert job.trials[0].view().values == (2.0,)


def test_a_project_file_is_found_from_below(
    scripts: ScriptBench,
) -> None:
    train = scripts.write("print('score=3')")
    (scripts.folder / "astraml.toml").write_text(
        '[targets]\n"demo:*" = "train.py"\n"other" = { command = true }\n"third" = { command = ["x"] }\n'
    )
    below = scripts.folder / "notebooks"
    below.mkdir()
    project = project_of(below)
    assert list(project.targets) == ["demo:*", "other", "third"]
    code = ScriptCode(script_spec(), folder=below)
    assert code.program.source == str(train)


def test_every_mistake_of_a_project_file_is_told(scripts: ScriptBench) -> None:
    (scripts.folder / "astraml.toml").write_text(
        '[targets]\n"a" = "no.py"\n"b" = 3\n[inputs]\n"data" = "x"\n"s3://b/../c" = "x"\n'
    )
    with pytest.raises(InvalidSpec) as refused:
        project_of(scripts.folder)
    assert len(refused.value.problems) == 4
    (scripts.folder / "astraml.toml").write_text("[targets\n")
    with pytest.raises(InvalidSpec, match=r"astraml\.toml"):
        project_of(scripts.folder)


def test_a_mistake_of_a_project_file_has_its_path_and_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "astraml.toml").write_text(
        """
        target = "train.py"
        models = { "bert" = 3 }
        [targets]
        "a" = { comand = ["python"] }
        [inputs]
        "data" = "x"
        [storage."s3://bucket"]
        endpoint = "http://127.0.0.1:1"
        anon = "yes"
        key = { secert = "s3-key" }
        """
    )
    with pytest.raises(InvalidSpec) as refused:
        project_of(tmp_path)
    command = '{ command = true } or { command = ["python", "train.py"] } (did you mean "command"?)'
    assert [str(each) for each in refused.value.problems] == [
        'target; no such table (did you mean "targets"?)',
        f'targets."a" is {{"comand": ["python"]}}; a path, a module, {command}',
        'inputs."data"; the prefix must be a URI such as s3://bucket/prefix',
        'storage."s3://bucket".anon is "yes"; true or false',
        'storage."s3://bucket".key; a secret is said by its name: key = { secret = "NAME" }',
        'storage."s3://bucket".endpoint; no such option of s3fs (did you mean "endpoint_url"?)',
        'models."bert" is 3; a path',
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[targets\n", "at line 1, column 9"), (b"\xff\xfe", "is no UTF-8 text")],
)
def test_a_project_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "astraml.toml").write_bytes(content)
    with pytest.raises(InvalidSpec, match=said):
        project_of(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_project_file(tmp_path: Path) -> None:
    (tmp_path / "astraml.toml").write_bytes(b'\xef\xbb\xbf[models]\n"bert" = "models/bert"\n')
    assert project_of(tmp_path).models == {"bert": "models/bert"}


def test_a_registered_function_stands_for_an_image(scripts: ScriptBench) -> None:
    TARGETS.register("stand-in:*", train)
    try:
        spec = script_spec(target="registry/stand-in:7", trials=2)
        job = scripts.run(spec, None)
        view = job.trials[1].view()
        assert view.values == (view.params["x"],)
    finally:
        TARGETS.forget("stand-in:*")


def test_a_function_has_to_take_what_varies_and_may_leave_what_does_not() -> None:
    def wrong(y: float) -> float:
        return y

    def right(x: float) -> float:
        return x

    with pytest.raises(InvalidSpec, match="takes no such parameter"):
        ScriptCode(script_spec(), target=wrong)
    ScriptCode(script_spec(fixed={"num_round": "100"}), target=right)


def test_each_of_several_definitions_runs_its_own_script(scripts: ScriptBench) -> None:
    tree = scripts.write("import sys; print(sys.argv[1:]); print('score=1')", "tree.py")
    net = scripts.write("import sys; print(sys.argv[1:]); print('score=2')", "net.py")
    given = []
    for name, space in (("tree", {"depth": Int(3, 3)}), ("net", {"width": Int(8, 8)})):
        one = script_spec(space, target=f"registry/{name}:1")
        given.append(one.definitions[0].model_copy(update={"name": name}))
    spec = script_spec(trials=2).model_copy(update={"definitions": tuple(given)})
    job = scripts.run(spec, {"tree:*": tree, "net:*": net})
    assert [trial.log.tail().splitlines()[0] for trial in job.trials.values()] == [
        "['--depth', '3']",
        "['--width', '8']",
    ]
    assert [trial.view().values for trial in job.trials.values()] == [(1.0,), (2.0,)]

    again = code_of(job.spec)[1]
    assert again.fingerprint() == ScriptCode(spec, target={"tree:*": tree, "net:*": net}).fingerprint()
    net.unlink()
    with pytest.raises(Conflict, match=r"what .* runs is not here: (.|\n)*net\.py"):
        code_of(job.spec)
