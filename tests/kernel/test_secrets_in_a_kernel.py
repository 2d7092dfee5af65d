"""A secret is asked for by the notebook's own prompt, which shows nothing, and is used by the next cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.secrets import Secrets

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.kernel import Kernel

VALUE = "s3cr/t+tok en=7!é"
CELL = """%%tune --maximize score --trials 2 --name cell --wait
x = Float(0.0, 1.0)
print("it is", trial.secret("hf-token"))
report(score=x)
"""


def typed(kernel: Kernel, code: str, value: str) -> tuple[dict[str, Any], str]:
    """Run a cell that asks; return what it asked, and all that is seen of it."""
    client: Any = kernel.client
    sent = kernel.start(code)
    asked = client.get_stdin_msg(timeout=120)["content"]
    client.input(value)
    return asked, kernel.finish(sent).text


def test_it_is_asked_for_kept_and_used(kernel: Kernel, home: Path) -> None:
    kernel.run("%load_ext astraml_lab\nimport astraml_lab as lab")
    asked, seen = typed(kernel, "%tune secret set hf-token", VALUE)
    assert asked == {"prompt": "The value of hf-token (it is not shown): ", "password": True}
    assert seen == 'hf-token of default is kept in the file. In a cell it is trial.secret("hf-token").\n'
    assert Secrets(home).resolve("default", "hf-token") == VALUE

    asked, seen = typed(kernel, 'lab.secrets.set("pin", project="p-demo")', "1234")
    assert asked["password"] is True
    assert "1234" not in seen
    assert "shorter than 6 characters" in seen

    kernel.run(CELL)
    logs = kernel.run("%tune logs cell 0").text
    assert logs.strip().splitlines()[-1].strip() == "it is ***hf-token***"
    listed = kernel.run("%tune secret list").text.splitlines()
    assert listed == ["default  hf-token  (file)", "p-demo  pin  (file)"]
    assert "pin of p-demo is forgotten" in kernel.run("%tune secret remove pin --project p-demo").text
    assert "one of set, list and remove" in kernel.run("%tune secret sett x").text

    refused = kernel.run("%tune secret set other", allow_stdin=False).text
    assert refused.startswith("Conflict: nobody is at the keyboard to be asked for other")
    assert kernel.run("lab.set_policy({'defaults': {'epochs': 3}}); print()").status == "ok"
    assert kernel.run("%tune policy").text == "defaults:\n  epochs: 3\nversion: 1\n"
