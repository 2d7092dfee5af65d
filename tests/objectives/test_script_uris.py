"""Inputs and outputs of requests: mapped, fetched once, never out of their bucket."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from plugins.scripts import script_spec

from astraml_lab.errors import InvalidSpec, TrialStopped
from astraml_lab.objectives import ScriptCode
from astraml_lab.objectives.script_uris import InputMissing, Inputs, local_input, local_output, mapped
from astraml_lab.spec import Channel, Dialect

if TYPE_CHECKING:
    from plugins.scripts import ScriptBench


class Bucket(MemoryFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """An object store in memory that counts what is fetched."""

    protocol = ("gs",)
    store: dict[str, Any] = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs = [""]  # noqa: RUF012 - likewise
    fetched: list[str] = []  # noqa: RUF012 - likewise

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("gs://").strip("/")

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        self.fetched.append(rpath)
        super().get_file(rpath, lpath, **kwargs)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Serve `gs://` from memory."""
    monkeypatch.setitem(_registry, "gs", Bucket)
    monkeypatch.setattr(Bucket, "store", {})
    Bucket.fetched.clear()
    made = Bucket(skip_instance_cache=True)
    made.pipe({"gs://bucket/data/a.csv": b"1", "gs://bucket/data/deep/b.csv": b"2"})
    return made


def inputs(tmp_path: Path, **folders: str) -> Inputs:
    made = Inputs()
    for uri, folder in folders.items():
        made.register(uri, folder, tmp_path)
    return made


def test_the_longest_prefix_counts_and_only_whole_names(tmp_path: Path) -> None:
    made = inputs(tmp_path, **{"s3://bucket": "all", "s3://bucket/data": "data", "gs://bucket": "other"})
    assert mapped("s3://bucket/data/train/x.csv", [made]) == tmp_path / "data" / "train" / "x.csv"
    assert mapped("s3://bucket/database/x", [made]) == tmp_path / "all" / "database" / "x"
    assert mapped("/gcs/bucket/x", [made]) == tmp_path / "other" / "x"
    assert mapped("s3://another/x", [made]) is None


@pytest.mark.parametrize(
    "uri",
    ["s3://bucket/../../etc", "s3://bucket/a/../../../etc", "s3://../etc", "gs://b/./x", "s3://b/..\\x"],
)
def test_a_uri_that_leads_out_of_its_bucket_is_refused_everywhere(uri: str, tmp_path: Path) -> None:
    made = inputs(tmp_path, **{"s3://bucket": "data"})
    for attempt in (
        lambda: mapped(uri, [made]),
        lambda: local_output(uri, tmp_path),
        lambda: made.register(uri, "x"),
        lambda: local_input(uri, [made], folder=tmp_path, cache=tmp_path),
    ):
        with pytest.raises(InvalidSpec, match="leads out of its bucket"):
            attempt()
    for asked in ({"channels": {"train": Channel(uri=uri)}}, {"output": uri}):
        with pytest.raises(InvalidSpec, match="leads out of its bucket"):
            ScriptCode(script_spec(**asked), target=print)


def test_a_uri_with_a_nul_is_refused_for_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="NUL in its name"):
        local_output("s3://bucket/a\0b", tmp_path)


@pytest.mark.parametrize(
    "uri", ["../../etc://bucket/x", "://bucket/x", "a/b://bucket", "simplecache::s3://b/x"]
)
def test_a_scheme_that_is_none_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="no scheme"):
        local_output(uri, tmp_path)


def test_a_display_name_does_not_lead_out_of_the_output(scripts: ScriptBench, home: Path) -> None:
    train = scripts.write(
        """
        import os
        open(os.environ["AIP_MODEL_DIR"] + "model.txt", "w").close()
        import hypertune
        hypertune.HyperTune().report_hyperparameter_tuning_metric("score", 1)
        """
    )
    spec = script_spec(trials=1, name="../../../x y", convention=Dialect.VERTEX, output="gs://bucket/base")
    assert scripts.run(spec, train).trials[0].view().values == (1.0,)
    (model,) = home.rglob("model.txt")
    assert model.parent.parent.parent.parent == home / "gs" / "bucket" / "base"


@pytest.mark.parametrize("name", [".", "..", "a/b"])
def test_a_channel_is_called_as_a_folder_can_be(name: str) -> None:
    with pytest.raises(InvalidSpec, match="no name of a folder"):
        ScriptCode(script_spec(channels={name: Channel(uri="data")}), target=print)


def test_an_input_without_a_mapping_says_how_it_is_mapped(tmp_path: Path) -> None:
    with pytest.raises(InputMissing) as missing:
        local_input("gs://bucket/train", [], folder=tmp_path, cache=tmp_path)
    assert "lab.register_input('gs://bucket/train', \"data/\")" in str(missing.value)
    assert "pip install gcsfs" in str(missing.value)
    for uri in ("file:///etc/passwd", "memory://x", "ftp://host/x"):
        with pytest.raises(InputMissing, match="cannot be fetched"):
            local_input(uri, [], folder=tmp_path, cache=tmp_path)


def test_a_mapped_input_has_to_exist(tmp_path: Path) -> None:
    made = inputs(tmp_path, **{"s3://bucket": "data"})
    with pytest.raises(InputMissing, match="which does not exist"):
        local_input("s3://bucket/train", [made], folder=tmp_path, cache=tmp_path)


def test_a_path_is_itself_and_a_name_may_stay_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = local_input("data", [], folder=tmp_path, cache=tmp_path)
    assert found == str(tmp_path / "data")
    assert local_input("squad", [], folder=tmp_path, cache=tmp_path, verbatim=True) == "squad"
    with pytest.raises(InputMissing, match="does not exist here"):
        local_input("squad", [], folder=tmp_path, cache=tmp_path)


@pytest.mark.usefixtures("bucket")
def test_an_object_store_is_fetched_once_whoever_asks(tmp_path: Path) -> None:
    found: list[str] = []

    def fetch() -> None:
        found.append(local_input("gs://bucket/data", [], folder=tmp_path, cache=tmp_path / "cache"))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    (folder,) = (tmp_path / "cache").iterdir()
    assert str(folder) == found[0]
    assert (folder / "a.csv").read_text() == "1"
    assert (folder / "deep" / "b.csv").read_text() == "2"
    assert len(Bucket.fetched) == 2


@pytest.mark.usefixtures("bucket")
def test_what_another_process_has_fetched_meanwhile_is_taken_as_it_is(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    asked: list[str] = []

    def another() -> None:
        asked.append("")
        if len(asked) == 2:  # before the second file
            (unfinished,) = cache.iterdir()
            target = Path(local_input("gs://bucket/data", [], folder=tmp_path, cache=tmp_path / "twin"))
            target.rename(cache / target.name)
            assert unfinished.is_dir()

    found = local_input("gs://bucket/data", [], folder=tmp_path, cache=cache, go_on=another)
    assert sorted(each.name for each in Path(found).iterdir()) == ["a.csv", "deep"]
    assert [str(each) for each in cache.iterdir()] == [found]


@pytest.mark.usefixtures("bucket")
def test_a_trial_that_waits_for_anothers_download_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(_self: Bucket, _name: str, lpath: str) -> None:
        begun.set()
        go.wait(120)
        Path(lpath).touch()

    monkeypatch.setattr(Bucket, "get_file", slow)
    cache = tmp_path / "cache"
    first = threading.Thread(
        target=local_input, args=("gs://bucket/data", []), kwargs={"folder": tmp_path, "cache": cache}
    )
    first.start()
    assert begun.wait(120)

    def end() -> None:
        raise TrialStopped("told to end")

    with pytest.raises(TrialStopped):
        local_input("gs://bucket/data", [], folder=tmp_path, cache=cache, go_on=end)
    go.set()
    first.join(120)
    assert local_input("gs://bucket/data", [], folder=tmp_path, cache=cache, go_on=end)


def test_an_object_whose_name_leads_out_of_the_folder_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    bucket.store["bucket/data/../../escaped"] = bucket.store["bucket/data/a.csv"]
    with pytest.raises(InputMissing, match="leads out of its folder"):
        local_input("gs://bucket/data", [], folder=tmp_path, cache=tmp_path / "cache")
    assert not list(tmp_path.rglob("escaped"))
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.usefixtures("bucket")
def test_what_is_not_there_fails_the_trial_in_one_sentence(scripts: ScriptBench) -> None:
    train = scripts.write("print('score=1')")
    spec = script_spec(
        trials=1, convention=Dialect.SAGEMAKER, channels={"train": Channel(uri="gs://bucket/nothing")}
    )
    reason = scripts.run(spec, train).trials[0].view().reason
    assert reason.startswith("gs://bucket/nothing could not be fetched")


@pytest.mark.usefixtures("bucket")
def test_trials_of_a_job_share_what_was_fetched(scripts: ScriptBench) -> None:
    train = scripts.write(
        "import os; print('score=' + open(os.environ['SM_CHANNEL_TRAIN'] + '/a.csv').read())"
    )
    spec = script_spec(
        trials=3,
        parallel=2,
        convention=Dialect.SAGEMAKER,
        channels={"train": Channel(uri="gs://bucket/data")},
        log_metrics=({"name": "score", "regex": r"score=(\S+)"},),
    )
    job = scripts.run(spec, train)
    assert {trial.view().values for trial in job.trials.values()} == {(1.0,)}
    assert len(Bucket.fetched) == 2
