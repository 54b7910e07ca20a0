"""Weights & Biases and MLflow get what TensorBoard gets, and a run that goes on goes on in them.

With the packages themselves: `make torture` installs them. W&B is offline, MLflow in a SQLite file.
"""

import os
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).parents[2]
SMALL = ["--data.max_words=300", "--trainer.accelerator=cpu", "--trainer.max_steps=6",
         "--trainer.val_check_interval=2", "--trainer.log_every_n_steps=1",
         "--trainer.enable_progress_bar=false"]  # fmt: skip
FIT = ["fit", "--config", str(ROOT / "configs/mlp.yaml"), *SMALL]
FLAGS = {
    "WandbLogger": ["--trainer.logger=WandbLogger", "--trainer.logger.offline=true"],
    "MLFlowLogger": ["--trainer.logger=MLFlowLogger",
                     "--trainer.logger.tracking_uri=sqlite:///mlflow.db"],
}  # fmt: skip
PACKAGES = {"WandbLogger": "wandb", "MLFlowLogger": "mlflow"}


def is_there(tracker):
    return find_spec(PACKAGES[tracker]) is not None


@pytest.mark.parametrize("tracker", PACKAGES)
def test_without_its_package(command_line, tracker):
    if is_there(tracker):
        pytest.skip(f"{PACKAGES[tracker]} is installed")
    code, _, err = command_line(*FIT, f"--trainer.logger={tracker}")
    assert code == 2
    assert err.startswith(f"error: --trainer.logger {tracker}: Requirement '{PACKAGES[tracker]}")
    assert len(err.splitlines()) == 1
    assert not Path("logs").exists()


def litmore(folder, *args):
    """A command in a process of its own: a tracker's threads and handlers are gone with it."""
    places = {f"WANDB_{name}_DIR": str(folder / "home") for name in ("CONFIG", "CACHE", "DATA")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *args], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **places, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def wandb_records(path):
    """The records of an offline run: LevelDB's log format, below a head of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content = path.read_bytes()
    at, record = 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:  # a block's end
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        record += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield Record.FromString(record)
            record = b""


def wandb_runs(folder):
    """Of each run its parameters, and its numbers by name and step."""
    runs = {}
    for path in sorted(folder.glob("logs/*/*/wandb/offline-run-*/*.wandb")):
        for record in wandb_records(path):
            if record.HasField("run"):
                params, numbers = runs.setdefault(record.run.run_id, ({}, {}))
            for item in record.config.update:
                params[item.key or item.nested_key[0]] = yaml.safe_load(item.value_json)
            row = {item.nested_key[0]: yaml.safe_load(item.value_json)
                   for item in record.history.item}  # fmt: skip
            for name, value in row.items():
                numbers[name, row.get("trainer/global_step")] = value
    return runs


def mlflow_runs(folder):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = {}
    for run in client.search_runs(experiments):
        assert run.info.status == "FINISHED"
        points = [p for name in run.data.metrics for p in client.get_metric_history(
            run.info.run_id, name)]  # fmt: skip
        numbers = {(point.key, point.step): point.value for point in points}
        runs[run.info.run_id] = run.data.params, numbers
    return runs


def tensorboard_numbers(run):
    events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    return {
        (tag.removeprefix("watch_"), point.step): point.value
        for tag in tags
        for point in events.Scalars(tag)
    }


def leaves(config, name=""):
    if isinstance(config, dict) and config:
        for key, value in config.items():
            yield from leaves(value, f"{name}/{key}".strip("/"))
    else:
        yield name, config


@pytest.mark.torture
@pytest.mark.filterwarnings("ignore")  # the trackers' own
@pytest.mark.parametrize("tracker", PACKAGES)
def test_a_tracker_gets_what_tensorboard_gets(tracker, tmp_path):
    if not is_there(tracker):
        pytest.skip(f"{PACKAGES[tracker]} is not installed: make torture does it")
    for name, flags in (("drawn", []), ("tracked", FLAGS[tracker])):
        litmore(tmp_path, *FIT, "--run_name", name, *flags)
        config = yaml.safe_load((tmp_path / f"logs/{name}/version_0/config.yaml").read_text())
        last = f"logs/{name}/version_0/checkpoints/last.ckpt"
        err = litmore(tmp_path, "fit", "--ckpt_path", last, "--trainer.max_steps=10")
    assert ("keeps the settings" in err) == (tracker == "MLFlowLogger")  # max_steps has changed
    runs = (wandb_runs if tracker == "WandbLogger" else mlflow_runs)(tmp_path)
    ((params, numbers),) = runs.values()  # it went on in the same one
    drawn = tensorboard_numbers(tmp_path / "logs/drawn/version_0")
    of_both = {
        key: (value, drawn[key])
        for key, value in numbers.items()
        if key in drawn and not key[0].startswith(("speed/", "results/"))
    }
    for value, of_tensorboard in of_both.values():
        assert np.float32(value) == np.float32(of_tensorboard)
    for metric in ("train/loss", "train/accuracy", "optimizer/lr", "optimizer/gradient_norm"):
        assert {step for name, step in of_both if name == metric} == set(range(10)), metric
    assert {key for key in drawn if key[0] == "val/loss"} == {
        key for key in of_both if key[0] == "val/loss"
    }
    if tracker == "WandbLogger":  # MLflow keeps what a run began with
        config = yaml.safe_load((tmp_path / "logs/tracked/version_0/config.yaml").read_text())
    for name, value in leaves(config):
        found = params[name]
        assert found == (value if tracker == "WandbLogger" else str(value)[:250]), name
    # From any other checkpoint a run branches off, here too.
    best = "logs/tracked/version_0/checkpoints/best.ckpt"
    litmore(tmp_path, "fit", "--ckpt_path", best, "--trainer.max_steps=12")
    assert len((wandb_runs if tracker == "WandbLogger" else mlflow_runs)(tmp_path)) == 2
    strays = {path.name for path in tmp_path.iterdir()} - {"logs", "home", "mlflow.db"}
    assert strays == set()
