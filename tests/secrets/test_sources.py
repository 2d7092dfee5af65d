"""Where secrets are kept, in which order they are found, and what is refused."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.secrets import Secrets, SecretsRefused, without_secrets
from astraml_lab.secrets.ring import NoKeyring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUE = "s3cr/t+tok en=7!é"


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library's
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked(f"locked, and it would say {VALUE}")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture(autouse=True)
def _no_keyring() -> Iterator[None]:
    """Have no test see the keyring of whoever runs it."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoBackend())  # type: ignore[no-untyped-call]  # the library's
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> Ring:
    made = Ring()
    keyring.set_keyring(made)
    return made


def test_without_a_keyring_the_file_keeps_it_for_its_owner_alone(home: Path) -> None:
    kept = lab.secrets.set("hf-token", VALUE, project="p-demo")
    assert (kept.project, kept.name, kept.source) == ("p-demo", "hf-token", "file")
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert Secrets(home).resolve("P-Demo", "hf-token") == VALUE
    assert lab.secrets.list() == [("p-demo", "hf-token", "file", ())]
    assert VALUE not in repr(lab.secrets.list())
    with pytest.raises(NotFound, match="the project default has no secret hf-token: run `astraml secret set"):
        Secrets(home).resolve("default", "hf-token")
    with pytest.raises(NoKeyring, match="leave `--to keyring` out"):
        lab.secrets.set("hf-token", VALUE, to="keyring")


def test_a_keyring_goes_before_the_file_and_a_variable_before_both(
    home: Path, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab.secrets.set("token", VALUE).source == "keyring"
    assert ring.kept == {("astraml-lab", "default/token"): VALUE}
    assert VALUE not in (home / "secrets.json").read_text()
    assert Secrets(home).resolve("default", "token") == VALUE
    assert [each.source for each in lab.secrets.list()] == ["keyring"]

    assert lab.secrets.set("token", "another value", to="file").source == "file"
    assert ring.kept == {}
    assert Secrets(home).resolve("default", "token") == "another value"

    monkeypatch.setenv("ASTRAML_SECRET_DEFAULT_TOKEN", "of the process")
    assert Secrets(home).resolve("default", "token") == "of the process"
    assert [each.source for each in lab.secrets.list()] == ["variable"]
    assert "is set here, and wins" in lab.secrets.set("token", VALUE).notes[0]
    assert "still holds one" in lab.secrets.remove("token").notes[0]
    assert ring.kept == {}


def test_what_another_program_put_into_the_keyring_is_found(home: Path, ring: Ring) -> None:
    ring.kept["astraml-lab", "default/token"] = VALUE
    assert Secrets(home).known("default", ["token", "other", "No Name"]) == {"token"}
    assert Secrets(home).resolve("default", "token") == VALUE
    assert lab.secrets.remove("token").source == "keyring"


def test_a_locked_keyring_says_what_to_do_and_none_of_its_words(home: Path, ring: Ring) -> None:
    lab.secrets.set("token", VALUE)
    ring.locked = True
    with pytest.raises(SecretsRefused, match=r"KeyringLocked.*unlock it") as refused:
        Secrets(home).resolve("default", "token")
    assert VALUE not in str(refused.value)
    assert refused.value.__context__ is sys.exception()  # what the runner itself may be handling
    keyring.set_keyring(NoBackend())  # type: ignore[no-untyped-call]  # the library's
    with pytest.raises(SecretsRefused, match="token is in the keyring, which this process cannot use"):
        Secrets(home).resolve("default", "token")


def test_variables_that_no_list_names_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRAML_SECRET_P_DEMO_HF_TOKEN", VALUE)
    assert [each[:3] for each in lab.secrets.list()] == [("", "ASTRAML_SECRET_P_DEMO_HF_TOKEN", "variable")]
    assert [each[:3] for each in lab.secrets.list("p-demo")] == [("p-demo", "hf_token", "variable")]
    assert lab.secrets.list("other") == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_file_that_others_may_read_is_refused_with_the_command_that_mends_it(home: Path, mode: int) -> None:
    lab.secrets.set("token", VALUE)
    (home / "secrets.json").chmod(mode)
    for ask in (lab.secrets.list, lambda: lab.secrets.set("other", VALUE)):
        with pytest.raises(SecretsRefused, match=f"mode {mode:04o}.*run `chmod 600 .*secrets.json`"):
            ask()
    (home / "secrets.json").chmod(0o600)
    assert Secrets(home).resolve("default", "token") == VALUE


def test_a_file_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lab.secrets.set("token", VALUE)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)  # to give a file away needs root
    with pytest.raises(SecretsRefused, match=r"belongs to another user.*sudo chown 12345"):
        lab.secrets.list()


def test_a_link_a_pipe_and_a_damaged_file_are_refused_without_their_text(home: Path, tmp_path: Path) -> None:
    file = home / "secrets.json"
    home.mkdir()
    os.mkfifo(file, 0o600)
    with pytest.raises(SecretsRefused, match="is no file"):
        lab.secrets.list()
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretsRefused, match="cannot be read"):
        lab.secrets.list()
    file.unlink()
    for text in (
        '{"projects": {"p": {"n": {"value": "hunter2"',
        '{"projects": {"p": {"n": "hunter2"}}}',
        "[]",
    ):
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(SecretsRefused, match="is damaged") as refused:
            lab.secrets.list()
        assert "hunter2" not in str(refused.value)
        assert refused.value.__context__ is sys.exception()  # what the runner itself may be handling


def test_two_at_once_lose_nothing(home: Path) -> None:
    code = (
        "import sys, astraml_lab as lab; [lab.secrets.set(f'{sys.argv[1]}{n}', 'x' * 9) for n in range(20)]"
    )
    command = [
        sys.executable,
        "-c",
        f"import keyring; from keyring.backends.fail import Keyring; keyring.set_keyring(Keyring()); {code}",
    ]
    ran = [subprocess.Popen([*command, each]) for each in "ab"]
    threads = [threading.Thread(target=lambda i=i: lab.secrets.set(f"t{i}", "x" * 9)) for i in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.wait() for each in ran] == [0, 0]
    assert len(lab.secrets.list()) == 50
    assert not [each for each in home.iterdir() if each.name.startswith(".secrets-")]


def test_what_cannot_be_a_secret_is_refused_all_at_once_and_not_repeated() -> None:
    with pytest.raises(InvalidSpec) as refused:
        lab.secrets.set("HF Token", "hunter2\0hunter2", project="", to="keyrin")  # type: ignore[arg-type]
    said = str(refused.value)
    assert "4 mistakes" in said
    assert "(`hf-token`)" in said
    assert "keyring" in said
    assert "hunter2" not in said
    with pytest.raises(InvalidSpec, match="it is empty"):
        lab.secrets.set("token", "")
    assert "shorter than 6 characters" in lab.secrets.set("pin", "12345").notes[0]
    assert "white space" in lab.secrets.set("pin", " 123456 ").notes[0]


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    lab.secrets.set("hf-token", VALUE)
    with pytest.raises(NotFound, match='did you mean "hf-token"'):
        lab.secrets.remove("hf-tokn")
    lab.secrets.remove("hf-token")
    with pytest.raises(NotFound, match="known: none"):
        lab.secrets.remove("hf-token")


def test_without_a_value_it_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: VALUE if "token" in prompt else "")
    lab.secrets.set("token")
    assert json.loads((home / "secrets.json").read_text())["projects"]["default"]["token"]["value"] == VALUE


def test_where_nobody_can_be_asked_a_sentence_says_what_to_do() -> None:
    ask = "import astraml_lab as lab; lab.secrets.set('token', project='p-demo')"
    ran = subprocess.run(
        [sys.executable, "-c", ask],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert (
        "nobody is at the keyboard to be asked for token: run `astraml secret set token --project p-demo`"
        in (ran.stderr)
    )
    assert "Conflict" in ran.stderr


def test_what_a_trial_starts_inherits_no_secret() -> None:
    assert without_secrets({"ASTRAML_SECRET_P_X": "1", "PATH": "/bin"}) == {"PATH": "/bin"}
