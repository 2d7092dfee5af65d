from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell

if TYPE_CHECKING:
    from objectives.conftest import MakeTrial


def cell(source: str, *, job: str = "", **names: Any) -> CellCode:
    return CellCode(parse_cell(textwrap.dedent(source), names, filename="<tune digits>"), names, job=job)


def failure(code: CellCode, make_trial: MakeTrial) -> str:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any
        code.run(make_trial()[0])
    return code.traceback(caught.value)


def test_a_trial_sees_its_parameters_the_notebook_and_ours(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell(
        """\
        lr = Float(0.0, 1.0)
        report(loss=lr * scale, number=trial.number)
        seen.append(str(device))
        """,
        scale=10,
        seen=box,
        report=None,
    )
    trial, recorder = make_trial(3, lr=0.5)
    code.run(trial)
    assert recorder.reports == [{"loss": 5.0, "number": 3.0}]
    assert box == ["cpu"]


def test_extras_shadow_everything(make_trial: MakeTrial) -> None:
    printed: list[object] = []
    cell("print('hello')").run(make_trial()[0], {"print": printed.append})
    assert printed == ["hello"]


def test_the_names_are_those_at_launch_and_nothing_leaks_back(make_trial: MakeTrial) -> None:
    names: dict[str, Any] = {"n": 1, "box": []}
    code = CellCode(parse_cell("box.append(n)\nn = 5\nfresh = 1", names), names)
    names["n"] = 2
    code.run(make_trial()[0])
    assert names == {"n": 2, "box": [1]}


def test_ipythons_own_names_are_left_out(make_trial: MakeTrial, box: list[Any]) -> None:
    names: dict[str, Any] = {
        "In": [],
        "_5": 1,
        "_": 2,
        "_ih": 3,
        "_helper": 4,
        "__name__": "__main__",
        "_i5": 5,
        "box": box,
    }
    CellCode(parse_cell("box.append({*globals()})", names), names).run(make_trial()[0])
    (seen,) = box
    assert "_helper" in seen
    assert not {"In", "_5", "_", "_ih", "_i5"} & seen


def test_each_trial_has_a_module_while_it_runs(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell(
        """\
        import dataclasses, pickle, sys
        @dataclasses.dataclass
        class Config:
            size: "int" = 3
        box += [__name__, pickle.loads(pickle.dumps(Config(4))).size, sys.modules[__name__].Config is Config]
        """,
        job="my digits!",
        box=box,
    )
    code.run(make_trial(7)[0])
    assert box == ["astraml_cell_my_digits_7", 4, True]
    assert not [name for name in sys.modules if name.startswith("astraml_cell")]


def test_namesakes_that_run_at_once_have_modules_of_their_own(make_trial: MakeTrial, box: list[Any]) -> None:
    barrier = threading.Barrier(2, timeout=120)
    codes = [cell("wait(); box.append(__name__); wait()", wait=barrier.wait, box=box) for _ in "ab"]
    threads = [threading.Thread(target=code.run, args=(make_trial()[0],)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(box)) == 2
    assert not [name for name in sys.modules if name.startswith("astraml_cell")]


def test_a_trial_that_keeps_nothing_frees_all_it_made(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell(
        """\
        class Model: pass
        model = Model()
        def train(): return model
        box.append(ref(model))
        """,
        box=box,
        ref=weakref.ref,
    )
    code.run(make_trial()[0])
    gc.collect()
    assert box[0]() is None


def test_what_outlives_its_trial_goes_on_working(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell(
        """\
        import math as F
        class Model:
            def forward(self, x): return F.sqrt(x) * scale
        def make(n):
            return lambda: Model().forward(n)
        def later():
            go.wait(120)
            box.append(Model().forward(9))
        thread = Thread(target=later)
        thread.start()
        box += [Model(), make(4), thread]
        """,
        box=box,
        scale=10,
        go=threading.Event(),
        Thread=threading.Thread,
    )
    code.run(make_trial()[0])
    gc.collect()
    model, closure, thread = box
    assert (model.forward(16), closure()) == (40, 20)
    model.forward.__globals__["go"].set()
    thread.join()
    assert box[3:] == [30]
    assert not [name for name in sys.modules if name.startswith("astraml_cell")]


def test_a_script_with_a_main_guard_runs(make_trial: MakeTrial) -> None:
    trial, recorder = make_trial()
    cell('def main():\n    report(loss=1)\nif __name__ == "__main__":\n    main()').run(trial)
    assert recorder.reports == [{"loss": 1.0}]


def test_the_traceback_has_the_cells_lines_and_no_frame_of_ours(make_trial: MakeTrial) -> None:
    text = failure(cell("x = 1\ndef f():\n    return x / 0\n\nf()"), make_trial)
    assert text.splitlines()[:6] == [
        "Traceback (most recent call last):",
        '  File "<tune digits>", line 6, in <module>',
        "    f()",
        '  File "<tune digits>", line 4, in f',
        "    return x / 0",
        "           ~~^~~",
    ]
    assert text.endswith("ZeroDivisionError: division by zero\n")


def test_a_report_that_is_no_number_is_shown_at_the_cells_line(make_trial: MakeTrial) -> None:
    text = failure(cell('x = 1\nreport(loss="bad")'), make_trial)
    assert 'File "<tune digits>", line 3' in text
    assert "trial.py" not in text
    assert "TypeError: report(loss=…) takes a number" in text


def test_causes_are_shown_with_their_lines(make_trial: MakeTrial) -> None:
    text = failure(
        cell("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e"), make_trial
    )
    assert text.index("line 3") < text.index("direct cause") < text.index("line 5")


def test_a_traceback_has_a_bound(make_trial: MakeTrial) -> None:
    deep = failure(cell("def a(n):\n    return b(n)\ndef b(n):\n    return a(n + 1)\na(0)"), make_trial)
    assert "frames left out" in deep
    assert len(deep) < 5_000
    assert len(failure(cell("raise ValueError('x' * 1_000_000)"), make_trial)) < 21_000


def test_the_program_says_what_has_to_exist_before_a_resume() -> None:
    program = cell("lr = Float(0.0, top)\nf(lr, X)", f=print, X=[1], top=1.0, unused=2).program
    assert program.kind == "cell"
    assert program.source == "lr = Float(0.0, top)\nf(lr, X)"
    assert set(program.names) == {"f", "X", "top"}


def test_a_model_of_a_cells_class_can_be_saved(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell("class Net:\n    pass\nbox.append(dumps(Net()))", box=box, dumps=pickle.dumps)
    code.run(make_trial()[0])
    assert b"astraml_cell_job_0" in box[0]


def test_torch_is_not_imported_for_a_cell_that_never_says_device() -> None:
    script = """
import sys, pathlib
from astraml_lab.objectives import CellCode, parse_cell
from astraml_lab.trial import Trial

class Channel:
    def report(self, metrics, step): print(metrics)

for source in ("report(score=1.0)", "report(score=str(device) == 'cpu')"):
    CellCode(parse_cell(source, {}), {}).run(Trial(0, {}, Channel(), checkpoint_dir=pathlib.Path(".")))
    print("torch" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:4] == ["{'score': 1.0}", "False", "{'score': 1.0}", "True"]
