"""How storage is reached: keys by the names of secrets, resolved in a trial alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugins.scripts import script_spec

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.script_project import project_of
from astraml_lab.objectives.storage import Storages, storage_options
from astraml_lab.spec import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.scripts import ScriptBench

KEY, SECRET = "AKIAnotarealkey1", "sEcr3t/of+the=server"


def storage(tmp_path: Path, endpoint: str) -> Storages:
    (tmp_path / "astraml.toml").write_text(
        f'[storage."s3://bucket"]\nendpoint_url = "{endpoint}"\n'
        'key = { secret = "s3-key" }\nsecret = { secret = "s3-secret" }\n'
    )
    return project_of(tmp_path).storages


def nothing(name: str) -> str:
    """Look up a secret that nobody should ask for."""
    raise KeyError(name)


def test_the_longest_prefix_counts_and_secrets_are_looked_up(tmp_path: Path) -> None:
    made = storage(tmp_path, "http://127.0.0.1:1")
    made.register("s3://bucket/open", {"anon": True})
    found = storage_options("s3a://bucket/data/x", {"s3-key": KEY, "s3-secret": SECRET}.__getitem__, [made])
    assert found == {"endpoint_url": "http://127.0.0.1:1", "key": KEY, "secret": SECRET}
    assert storage_options("s3://bucket/open/x", nothing, [made]) == {"anon": True}
    assert storage_options("s3://bucketful/x", nothing, [made]) == {}
    assert storage_options("squad", nothing, [made]) == {}


def test_keys_that_stand_there_themselves_are_refused_all_at_once_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "astraml.toml").write_text(
        f'[storage."s3://bucket"]\nkey = "{KEY}"\nsecret = "{SECRET}"\n'
        f'[storage."s3://bucket".client_kwargs]\naws_session_token = "{SECRET}"\n'
        '[storage."bucket"]\nanon = true\n'
    )
    with pytest.raises(InvalidSpec) as refused:
        project_of(tmp_path)
    said = str(refused.value)
    assert said.count("run `astraml secret set NAME`") == 3
    assert "4 mistakes" in said
    assert "a URI such as s3://bucket" in said
    assert KEY not in said
    assert SECRET not in said


def test_a_script_gets_its_input_from_a_server_with_the_keys_of_its_project(
    s3_server: str, scripts: ScriptBench, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    monkeypatch.setenv("ASTRAML_SECRET_DEFAULT_S3_KEY", KEY)
    monkeypatch.setenv("ASTRAML_SECRET_DEFAULT_S3_SECRET", SECRET)
    storage(tmp_path, s3_server)
    monkeypatch.chdir(tmp_path)
    server = fsspec.filesystem("s3", key=KEY, secret=SECRET, endpoint_url=s3_server, skip_instance_cache=True)
    server.makedirs("bucket", exist_ok=True)
    server.pipe("bucket/rows/rows.csv", b"a,b\n1,2\n")
    train = scripts.write(
        """
        import os, pathlib
        rows = pathlib.Path(os.environ["ASTRAML_DATASET"], "rows.csv").read_text().splitlines()
        print(f"score={len(rows)}")
        """
    )
    job = scripts.run(script_spec(trials=1, channels={"train": Channel(uri="s3://bucket/rows")}), train)
    assert job.trials[0].view().values == (2.0,)
    scripts.bench.manager.close()
    assert not [file for file in home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
