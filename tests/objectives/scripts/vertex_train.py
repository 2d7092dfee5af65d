"""A training script as Vertex AI's documentation of hyperparameter tuning shows one."""

import argparse
import os
import time

import hypertune


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning_rate", required=True, type=float, help="learning rate")
    parser.add_argument("--momentum", required=True, type=float, help="SGD momentum value")
    parser.add_argument("--num_units", required=True, type=int, help="number of units in the last layer")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.0)
    return parser.parse_args()


def main():
    args = get_args()
    hpt = hypertune.HyperTune()
    for epoch in range(1, args.epochs + 1):
        accuracy = 1 - args.learning_rate / epoch
        hpt.report_hyperparameter_tuning_metric(
            hyperparameter_metric_tag="accuracy", metric_value=accuracy, global_step=epoch
        )
        time.sleep(args.pause)
    with open(os.path.join(os.environ["AIP_MODEL_DIR"], "model.txt"), "w") as file:
        file.write(str(args.num_units))


if __name__ == "__main__":
    main()
