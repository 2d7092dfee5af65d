"""A training script as SageMaker's documentation of script mode shows one."""

import argparse
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--optimizer", type=str, default="adam")
    parser.add_argument("--output-data-dir", type=str, default=os.environ["SM_OUTPUT_DATA_DIR"])
    parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
    parser.add_argument("--train", type=str, default=os.environ["SM_CHANNEL_TRAIN"])
    parser.add_argument("--hosts", type=list, default=json.loads(os.environ["SM_HOSTS"]))
    parser.add_argument("--current-host", type=str, default=os.environ["SM_CURRENT_HOST"])
    args, _ = parser.parse_known_args()

    rows = [
        float(line) for name in sorted(os.listdir(args.train)) for line in (Path(args.train) / name).open()
    ]
    print("arguments", json.dumps(sys.argv[1:]))
    print("rows", len(rows), "gpus", os.environ["SM_NUM_GPUS"], "job", os.environ["TRAINING_JOB_NAME"])
    for epoch in range(args.epochs):
        loss = sum(rows) / (1 + epoch) / args.learning_rate
        print(f"epoch {epoch}: train_loss={loss:.4f}; val_acc={1 - 1 / (1 + loss):.4f}", file=sys.stderr)
    (Path(args.model_dir) / "model.txt").write_text(str(args.batch_size))
    (Path(args.output_data_dir) / "history.txt").write_text("done")
