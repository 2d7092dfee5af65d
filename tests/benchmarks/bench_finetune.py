"""What a trial of a fine-tuning costs before it trains: the first of a job against the second.

Both train a tiny BERT for the same few steps in one process; the first also imports the libraries, makes the
data ready and tokenizes it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from plugins import transformers_tiny as tiny

import astraml_lab as lab

ROWS, STEPS = 20_000, 4


def main() -> None:
    """Run one job of three trials, and print the seconds of each."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["ASTRAML_HOME"] = f"{place}/home"
        folder = Path(place)
        made: Any = SimpleNamespace(mktemp=lambda name: (folder / name).mkdir() or folder / name)
        model = tiny.make_bert(made)
        tiny.write_csv(folder / "data.csv", tiny.opinions(ROWS))
        asked = lab.Finetune(
            model, folder / "data.csv", max_steps=STEPS, batch_size=8, validation_fraction=0.001
        )
        space = {"lr": lab.Float(1e-4, 1e-3)}
        job = lab.tune(asked, space=space, trials=3, parallel=1, wait=True)
        took = [
            (trial.view().ended_at or 0) - (trial.view().started_at or 0) for trial in job.trials.values()
        ]
        lab.lab.manager().close()
    print(f"trials of {STEPS} steps on {ROWS} rows: {', '.join(f'{each:.2f} s' for each in took)}")
    print(f"the second takes {took[1] / took[0]:.3f} of the first")


if __name__ == "__main__":
    main()
