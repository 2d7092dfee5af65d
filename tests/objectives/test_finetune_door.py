"""What is wrong with a fine-tuning is said before anything is loaded, all of it at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from objectives.conftest import Recorder
from plugins.transformers_tiny import opinions, write_csv, write_lines

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec, NotFound, RequestRefused
from astraml_lab.lab import build_spec
from astraml_lab.objectives import KINDS, ScriptCode, call_in
from astraml_lab.objectives.finetune.data import Wanted, _config_hint, _raw
from astraml_lab.objectives.finetune.errors import FinetuneFailed
from astraml_lab.objectives.finetune.files import kind_of, sorted_by_split
from astraml_lab.objectives.finetune.kept import kept_model
from astraml_lab.objectives.finetune.models import SHORT_NAMES, source_of
from astraml_lab.objectives.finetune.training import _keep
from astraml_lab.objectives.script import finetune_job
from astraml_lab.spec import Categorical, Float, Int, SecretRef, objectives_of
from astraml_lab.trial import Trial


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with data, and with what looks like a model."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "data.csv", opinions(10))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text("{}")
    return tmp_path


def refused(asked: lab.Finetune, space: dict[str, Any] | None = None, metric: str = "eval_loss") -> list[str]:
    spec = build_spec(space or {}, objectives_of([], [metric]), {})
    with pytest.raises(InvalidSpec) as caught:
        finetune_job(asked, spec)
    return [str(problem) for problem in caught.value.problems]


def code_of(asked: lab.Finetune, space: dict[str, Any] | None = None) -> ScriptCode:
    return finetune_job(asked, build_spec(space or {}, objectives_of([], ["eval_loss"]), {}))[1]


def test_a_model_or_data_set_that_is_no_name_is_refused_with_what_helps() -> None:
    with pytest.raises(InvalidSpec) as caught:
        lab.Finetune(3, None)  # type: ignore[arg-type]

    assert [problem.path for problem in caught.value.problems] == ["model", "dataset"]
    assert "save a model that is loaded into a folder" in str(caught.value)


def test_every_mistake_is_told_at_once_with_the_nearest_name(folder: Path) -> None:
    write_csv(folder / "odd.csv", [{"review_id": 1, "stars": 5}])
    asked = lab.Finetune(
        "tiny", "odd.csv", weight_decai=0.1, learning_rate=1e-4, max_steps="many", output_dir="x", bf16=1
    )
    said = refused(asked, {"epochs": Float(1.0, 3.5), "batch_size": Int(0, 8)}, metric="accuracy")

    text = "\n".join(said)
    assert 'did you mean "weight_decay"?' in text
    assert "learning_rate" in text
    assert "is called lr here" in text
    assert "is set by the fine-tuning itself" in text
    assert 'did you mean "eval_accuracy"?' in text
    assert "the data has review_id, stars" in text
    assert {line.partition(" ")[0].rstrip(":") for line in said} >= {"max_steps", "bf16", "batch_size"}
    assert not any(line.startswith("epochs") for line in said)  # fractions of an epoch are transformers' own


def test_a_setting_that_is_given_and_searched_is_refused_with_all_other_mistakes() -> None:
    asked = lab.Finetune("tiny", "data.csv", lr=3e-5, early_stopping={"patience": 2}, max_steps="many")
    space = {"lr": Float(1e-5, 1e-3), "early_stopping.patience": Int(1, 3), "epochs": Int(1, 3)}

    assert [line for line in refused(asked, space) if "varies" in line] == [
        "lr is 3e-05; varies in the space too: say it in one of the two",
        "early_stopping.patience is 2; varies in the space too: say it in one of the two",
    ]
    assert any(line.startswith("max_steps") for line in refused(asked, space))


def test_a_field_of_the_installed_training_arguments_passes_by_its_own_name() -> None:
    asked = lab.Finetune(
        "tiny", "data.csv", weight_decay=0.01, warmup_ratio=0.1, max_steps=3, bf16=False, optim="adafactor"
    )
    space = {"adam_beta1": Float(0.8, 0.95), "lr_scheduler": Categorical(["cosine", "step"])}

    assert code_of(asked, space).program.kind == "finetune"


def test_a_column_is_found_by_its_usual_name_or_said_and_a_wrong_one_is_refused(folder: Path) -> None:
    rows = [{"Review": "fine", "stars": 1, "LABEL": "a"}]
    for name in ("data.csv", "data.jsonl"):
        (write_csv if name.endswith("csv") else write_lines)(folder / name, rows)
        code_of(lab.Finetune("tiny", name))
        code_of(lab.Finetune("tiny", name, label_column="stars"))
        (said,) = refused(lab.Finetune("tiny", name, label_column="star"))
        assert "the data has the columns Review, stars, LABEL" in said
        assert 'did you mean "stars"?' in said


def test_data_and_tasks_that_are_not_there_are_refused() -> None:
    assert "there is no file or folder" in refused(lab.Finetune("tiny", "nodata.csv"))[0]
    assert 'did you mean "classification"?' in refused(lab.Finetune("tiny", "data.csv", "clasification"))[0]
    lists = refused(lab.Finetune("tiny", "data.csv", "token-classification", text_column="label"))
    assert "a list of labels" in lists[0]
    assert (
        "a value, not a range"
        in refused(lab.Finetune("tiny", "data.csv"), {"task": Categorical(["regression"])})[0]
    )


def test_a_model_is_the_projects_own_name_a_folder_a_short_name_or_a_hubs_id(folder: Path) -> None:
    assert source_of("bert-base", folder, {}).place == "google-bert/bert-base-uncased"
    (folder / "tiny").rename(folder / "bert-base")
    assert source_of("bert-base", folder, {}).place == str(folder / "bert-base")
    assert source_of("bert-large", folder, {"bert-large": "bert-base"}).local
    assert source_of("some/model-1.5", folder, {}).place == "some/model-1.5"
    with pytest.raises(NotFound, match='did you mean "bert-base"'):
        source_of("bertbase", folder, {})
    (folder / "empty").mkdir()
    with pytest.raises(InvalidSpec, match=r"there is no config\.json"):
        source_of("empty", folder, {})
    assert all("/" in place for place in SHORT_NAMES.values())


def test_a_project_file_maps_a_models_name_for_requests_too(folder: Path) -> None:
    (folder / "astraml.toml").write_text('[models]\n"bert-base" = "tiny"\n')
    request = {"project_id": "p-demo", "model": "bert-base", "dataset": "data.csv", "apiVersion": "2.1"}

    translation = lab.translate(request)
    assert f"here bert-base ({folder / 'tiny'}) is fine-tuned" in str(translation)
    assert ScriptCode(translation.spec).program.kind == "finetune"


def test_what_is_registered_for_a_models_name_runs_in_place_of_the_fine_tuning() -> None:
    request = {"project_id": "p-demo", "model": "tiny", "dataset": "data.csv", "apiVersion": "2.1"}
    lab.register("tiny", lambda trial: trial.report(eval_loss=1.0))

    program = lab.submit(request).spec.definitions[0].program
    assert program is not None
    assert program.kind == "script"
    lab.lab.manager().close()


def test_a_requests_model_that_is_none_is_refused_with_both_ways_out() -> None:
    request = {"project_id": "p-demo", "model": "nobody", "dataset": "data.csv", "apiVersion": "2.1"}
    with pytest.raises(
        NotFound, match=r"nothing here runs nobody: register .* Nor is it a model to fine-tune"
    ):
        lab.submit(request)
    with pytest.raises((InvalidSpec, RequestRefused), match="weight_decai"):
        lab.submit({**request, "model": "tiny", "hyperparams": {"weight_decai": 0.1}})
    lab.lab.manager().close()


def test_a_byte_order_mark_is_no_part_of_a_columns_name(folder: Path) -> None:
    (folder / "sheet.csv").write_bytes(b"\xef\xbb\xbftext,label\r\ngood,1\r\n")

    code_of(lab.Finetune("tiny", "sheet.csv"))


def test_a_data_sets_id_may_end_in_a_version_and_a_files_name_is_looked_for() -> None:
    code_of(lab.Finetune("tiny", "owner/data-2.5"))

    assert "there is no file or folder" in refused(lab.Finetune("tiny", "data/rows.jsonl"))[0]


def test_an_objective_that_is_never_reported_is_refused_and_all_that_a_trainer_reports_may_be_one() -> None:
    asked = lab.Finetune("tiny", "data.csv")

    assert 'did you mean "eval_accuracy"?' in refused(asked, metric="eval_acuracy")[0]
    for metric in ("eval_f1", "train_loss", "train_runtime", "eval_samples_per_second"):
        finetune_job(asked, build_spec({}, objectives_of([], [metric]), {}))


def test_a_schedule_that_neither_has_is_refused_with_the_nearest() -> None:
    (said,) = refused(lab.Finetune("tiny", "data.csv", lr_scheduler="cosin"))

    assert "exponential" in said
    assert 'did you mean "cosine"?' in said
    code_of(lab.Finetune("tiny", "data.csv", lr_scheduler="reduce_lr_on_plateau"))


@pytest.mark.parametrize(
    ("where", "given"),
    [
        ("storage_options.key", {"storage_options": {"key": "hunter2"}}),
        ("storage_options.secret", {"storage_options": {"secret": "hunter2"}}),
        ("storage_options.token", {"storage_options": {"token": {"secret": "no NAME, hunter2"}}}),
        ("storage_options.endpoint_url", {"storage_options": {"endpoint_url": "http://me:hunter2@here"}}),
        ("env.HF_TOKEN", {"env": {"HF_TOKEN": "hunter2"}}),
        ("env.AWS_ACCESS_KEY_ID", {"env": {"AWS_ACCESS_KEY_ID": "hunter2"}}),
        ("run_name", {"run_name": "hf_hunter2" + "x" * 20}),
    ],
)
def test_a_secret_that_is_written_out_is_refused_without_being_repeated(where: str, given: Any) -> None:
    with pytest.raises(InvalidSpec) as caught:
        lab.Finetune("tiny", "data.csv", **given)

    assert [each.path for each in caught.value.problems] == [where]
    assert "hunter2" not in str(caught.value)


def test_a_secret_in_the_storage_options_is_a_name() -> None:
    asked = lab.Finetune(
        "tiny", "s3://b/d", storage_options={"secret": {"secret": "s3"}, "endpoint_url": "u"}
    )
    assert asked.env == {"AWS_SECRET_ACCESS_KEY": {"secret": "s3"}, "AWS_ENDPOINT_URL": "u"}


def test_the_form_holds_a_fine_tuning_on_a_line_and_writes_the_call_that_runs_it() -> None:
    line = "tiny data.csv task=classification warmup_ratio=0.1 bf16=false"
    spec = build_spec({"lr": Float(1e-5, 1e-3, log=True)}, objectives_of(["eval_f1"], []), {"trials": 3})
    kind = KINDS["finetune"]
    made = kind.make(line, spec, {})
    assert made.code.program.source == line
    assert kind.write is not None

    text = kind.write(line, spec)
    assert "from astraml_lab import Finetune, Float, tune" in text
    again = call_in(text, {})
    assert again is not None
    assert (again.definitions[0].program or made.code.program).source == line
    assert (again.space, again.objectives, again.trials) == (spec.space, spec.objectives, 3)
    with pytest.raises(InvalidSpec, match="a model and a data set"):
        kind.make("tiny", spec, {})
    with pytest.raises(InvalidSpec, match="model; is no setting"):
        kind.make("tiny data.csv model=other", spec, {})


def test_variables_have_no_place_on_the_line_and_stay_those_of_the_job() -> None:
    asked = lab.Finetune("tiny", "data.csv", storage_options={"secret": {"secret": "s3"}})
    spec, _ = finetune_job(asked, build_spec({}, objectives_of([], ["eval_loss"]), {}))
    kind = KINDS["finetune"]
    assert kind.write is not None

    program = kind.make("tiny data.csv epochs=2", spec, {}).code.program
    assert program.script is not None
    assert program.script.env == {"AWS_SECRET_ACCESS_KEY": SecretRef.model_validate({"secret": "s3"})}
    again = call_in(kind.write("tiny data.csv epochs=2", spec), {})
    assert again is not None
    assert again.definitions[0].program == program


def test_a_model_that_could_not_be_written_whole_does_not_count_as_kept(tmp_path: Path) -> None:
    class Dies:
        def save_model(self, folder: str) -> None:
            write_lines(Path(folder) / "config.json", [])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _keep(Dies(), Trial(0, {}, Recorder(), checkpoint_dir=tmp_path))

    assert kept_model(tmp_path) is None


def test_files_are_sorted_by_the_split_in_their_name_and_read_by_their_beginning(folder: Path) -> None:
    for name in ("in/train-00000-of-00002.jsonl", "in/train-00001-of-00002.jsonl", "in/dev.jsonl"):
        write_lines(folder / name, opinions(2))
    for name in (
        "by/test/a.jsonl",
        "by/train/a.jsonl",
        "by/.hidden/a.jsonl",
        "plain/a.jsonl",
        "plain/b.jsonl",
    ):
        write_lines(folder / name, opinions(2))
    counts = {
        name: {split: len(files) for split, files in sorted_by_split(folder / name).items()}
        for name in ("in", "by", "plain")
    }
    assert counts == {
        "in": {"train": 2, "validation": 1},
        "by": {"test": 1, "train": 1},
        "plain": {"train": 2},
    }
    for name, kind in (("data.csv", "csv"), ("in/dev.jsonl", "json")):
        assert kind_of((folder / name).rename(folder / "dataset")) == kind
    assert json.loads((folder / "dataset").read_text().splitlines()[0])["label"]


def test_a_configuration_of_a_data_set_is_said_behind_a_colon(folder: Path) -> None:
    for spelled in ("nyu-mll/glue:mrpc", "glue:mrpc"):
        asked = lab.Finetune("tiny", spelled)
        assert (asked.dataset, asked.settings) == (spelled.partition(":")[0], {"dataset_config": "mrpc"})
        assert code_of(asked).program.source == f"tiny {asked.dataset} dataset_config=mrpc"
    (folder / "odd:name").mkdir()
    plain = [lab.Finetune("tiny", each) for each in ("s3://bucket/key", "C:data.csv", "odd:name", "a/b")]
    assert [each.settings for each in plain] == [{}] * 4

    assert refused(lab.Finetune("tiny", "data.csv:small")) == [
        f'dataset_config is "small"; {folder / "data.csv"} is a file'
    ]


def test_datasets_is_told_the_configuration(folder: Path) -> None:
    (folder / "two").mkdir()
    for name, count in (("small", 4), ("large", 8)):
        write_csv(folder / "two" / f"{name}.csv", opinions(count))
    (folder / "two" / "README.md").write_text(
        "---\nconfigs:\n- {config_name: small, data_files: small.csv}\n"
        "- {config_name: large, data_files: large.csv}\n---\n"
    )

    def rows(config: str) -> int:
        wanted = Wanted("tiny", "two", "classification", {"dataset_config": config}, seed=0)
        return len(_raw(str(folder / "two"), folder / "room", wanted, None)["train"])

    assert [rows("small"), rows("large")] == [4, 8]
    with pytest.raises(FinetuneFailed, match=r"the data two could not be read.*larg"):
        rows("larg")


def test_a_hubs_data_set_that_cannot_be_read_says_how_a_configuration_is_spelled() -> None:
    assert _config_hint("glue/mrpc", None).endswith('said behind a colon, as in "glue:mrpc"')
    assert _config_hint("glue", None).endswith('as in "glue:NAME"')
    assert _config_hint("glue", "mrpc") == ""
