"""`%tune secret set|list|remove` and `%tune policy`: what a project keeps beside its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from astraml_lab.magics.call import Call

_VERBS = ("set", "list", "remove", "rm")
_USAGE = "usage: %tune secret set NAME, secret list, secret remove NAME"


def secret(call: Call) -> str:
    """Set, list or remove secrets; a value is asked for, and not shown.

    Raises:
        InvalidSpec: There is no such verb, or not one name behind it.
        NotFound: There is no secret of that name to remove.
    """
    from astraml_lab import secrets

    verb, *names = call.words or ("list",)
    if verb not in _VERBS:
        hint = nearest(verb, _VERBS) or _USAGE
        raise InvalidSpec([Problem("VERB", verb, "one of set, list and remove", hint)], subject="the line")
    if len(names) != int(verb != "list"):
        said = "takes no name" if verb == "list" else "takes one name, and asks for the value"
        raise InvalidSpec([Problem(verb, "", said, _USAGE)], subject="the line")
    project = call.project or "default"
    if verb == "list":
        lines = [f"{each.project}  {each.name}  ({each.source})" for each in secrets.list(call.project)]
        return "\n".join(line.strip() for line in lines) or "No secret yet; `%tune secret set NAME` asks."
    name = names[0]
    done = secrets.set(name, project=project) if verb == "set" else secrets.remove(name, project=project)
    said = f"{name} of {project} is {'kept in the ' + done.source if verb == 'set' else 'forgotten'}."
    use = f' In a cell it is trial.secret("{name}").' if verb == "set" else ""
    return "\n".join([said + use, *(f"Note: {note}." for note in done.notes)])


def policy(call: Call) -> str:
    """Show the policy of a project.

    Raises:
        InvalidSpec: Something else than `show` was asked for.
        NotFound: The project has none.
    """
    import yaml

    if call.words and call.words[0] != "show":
        said = "only `show` is here; `astraml policy set FILE` or lab.set_policy(…) change one"
        raise InvalidSpec([Problem("VERB", shown(call.words[0]), said)], subject="the line")
    found = call.lab.policy(call.project or "default")
    return str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True)).rstrip()
