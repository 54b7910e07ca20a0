"""What the tests of stopping and going on share; configs name its classes."""

import multiprocessing
import os
import sys
import time
from pathlib import Path

import torch
from lightning.pytorch import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from litmore.cli import main
from litmore.models import CharLM
from litmore.runs.signals import stop_at_once

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
DATA = ["--data.max_words=400", "--data.split=[0.8,0.2,0]", "--data.eval_batch_size=200"]
RUNS = {
    # An epoch is 10 steps, and some: 320 words.
    "gru": """
model: {class_path: survival.GRU}
data: {view: words, batch_size: 32}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}
trainer: {max_steps: 25, val_check_interval: 4, check_val_every_n_epoch: null}
""",
    "mlp": """
model: {class_path: litmore.models.MLP, init_args: {hidden_dim: 32}}
data: {view: counts, batch_size: 64}
optimizer: {class_path: litmore.optim.MuonAdamW, init_args: {lr: 0.05}}
lr_scheduler:
  class_path: torch.optim.lr_scheduler.OneCycleLR
  init_args: {max_lr: 0.05, pct_start: 0.0, cycle_momentum: false}
trainer: {max_steps: 45, val_check_interval: 6, check_val_every_n_epoch: null}
""",
    "sgd": """
model: {class_path: litmore.models.MLP, init_args: {hidden_dim: 16, init: lecture}}
data: {view: windows, batch_size: 64}
optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1, momentum: 0.9}}
lr_scheduler:
  class_path: torch.optim.lr_scheduler.StepLR
  init_args: {step_size: 20, gamma: 0.5}
trainer: {max_steps: 100}
""",
    "bigram": """
model: {class_path: litmore.models.NeuralBigram, init_args: {weight_penalty: 0.01}}
data: {view: windows, block_size: 1, batch_size: 128}
optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.1}}
lr_scheduler:
  class_path: lightning.pytorch.cli.ReduceLROnPlateau
  init_args: {monitor: val/loss, patience: 0, threshold: 0.5, factor: 0.5}
trainer: {max_epochs: 4}
""",
    "counts": """
model: {class_path: litmore.models.CountBigram}
data: {view: windows, block_size: 1, batch_size: 128}
trainer: {max_epochs: 1}
""",
    "ngram": """
model: {class_path: litmore.models.NGram}
data: {view: counts, batch_size: 128}
trainer: {max_epochs: 1}
""",
}
"""Every shipped model, view and optimizer, and a recurrent one with dropout, as a small run."""


class GRU(CharLM):
    """A recurrent model with dropout."""

    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 16, dropout: float = 0.3):
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x):
        return self.output(self.dropout(self.recurrent(self.dropout(self.embedding(x)))[0]))


class Signal(Callback):
    """Get a signal in the first call of a hook at or after a step, once it is told to."""

    def __init__(self, hook: str, step: int, rank: int = 0, number: int = 15):
        self.step = step
        self.rank = rank
        self.number = number
        setattr(self, hook, self._kill)

    def _kill(self, trainer, *_, **__):
        if trainer.global_step >= self.step and trainer.global_rank == self.rank:
            self.step = 10**9
            os.kill(os.getpid(), self.number)


class Crash(Callback):
    """End without a farewell in the step after so many."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise ZeroDivisionError


class Slow(Callback):
    """Let every step after the first take ten seconds."""

    def on_train_batch_start(self, trainer, *_):
        until = time.monotonic() + 10 * (trainer.global_step > 0)
        while time.monotonic() < until:  # a signal does not end it, as it would a sleep
            time.sleep(0.1)


class Seen(Callback):
    """Write down which words each process trains on, by step and epoch, in a file each."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        words = ["".join(map(chr, 96 + x[x > 0])) for x in batch[0]]
        with Path(f"seen_{trainer.global_rank}_of_{trainer.world_size}.txt").open("a") as file:
            file.write(f"{trainer.current_epoch} {trainer.global_step} {' '.join(words)}\n")


class Pace(Callback):
    """Let every step take at least so many seconds."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def on_train_batch_start(self, trainer, *_):
        time.sleep(self.seconds)


class Poison(Callback):
    """Make weights NaN after so many steps."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, *_):
        if trainer.global_step == self.step:
            next(pl_module.parameters()).data.fill_(float("nan"))


class NoCurves(Callback):
    """Take TensorBoard's file away after so many steps."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            trainer.logger.experiment.file_writer.event_writer._general_file_writer.close()


def fit_args(folder, name, *more):
    """The command line that trains a run, and logs every step."""
    path = CONFIGS / f"{name}.yaml"
    if name in RUNS:
        path = folder / f"{name}.yaml"
        if not path.exists():  # another run may be reading it
            path.write_text(RUNS[name])
    quiet = ["--trainer.accelerator=cpu", "--trainer.log_every_n_steps=1",
             "--trainer.enable_progress_bar=false",
             "--trust_config"]  # fmt: skip
    return ["fit", "--config", str(path), *DATA, *quiet, *more]


def curves(folder):
    """Every logged loss, {name: {step: value}}; what is logged twice is the same both times."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    found = {}
    for name in events.Tags()["scalars"]:
        if not name.startswith(("train/", "val/")):
            continue  # speeds, and what is drawn where a training ends
        points = found[name] = {}
        for event in events.Scalars(name):
            assert points.setdefault(event.step, event.value) == event.value, (name, event.step)
    return found


def state(folder, name="last"):
    """What a checkpoint says of where the training stands."""
    checkpoint = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    kept = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers",
            "rng_states", "callbacks", "callback_metrics")  # fmt: skip
    for generators in checkpoint["rng_states"]:
        del generators["python"]  # drawn from where files are opened, too
    checkpoint["callbacks"].get("RunSummary", {}).pop("seconds", None)  # that it took
    return {key: checkpoint[key] for key in kept}


def differences(one, other, at=""):
    """Where two nested states differ, to the bit."""
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [at]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [f"{at}: {one.keys() ^ other.keys()}"]
        return [d for key in one for d in differences(one[key], other[key], f"{at}.{key}")]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [f"{at}: {len(one)} and {len(other)}"]
        pairs = enumerate(zip(one, other, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{at}.{i}")]
    return [] if one == other else [f"{at}: {one} and {other}"]


def as_if_never_stopped(whole, other):
    """Weights, optimizer, schedule, generators, metrics and every logged point, to the bit."""
    different = differences(state(whole), state(other))
    assert not different, different
    different = differences(curves(whole), curves(other))
    assert not different, different


def stop_and_go_on(folder, name, version, hook, step, *more):
    """Train until a signal comes in a hook, and go on; the run's folder."""
    stop = ["--trainer.callbacks+=survival.Signal", f"--trainer.callbacks.hook={hook}",
            f"--trainer.callbacks.step={step}"]  # fmt: skip
    assert main(fit_args(folder, name, *more, *stop)) == 143
    run = folder / "logs" / Path(name).name / f"version_{version}"
    last = str(run / "checkpoints" / "last.ckpt")
    assert main(["fit", "--trust_config", "--ckpt_path", last, "--trainer.callbacks=null"]) == 0
    return run


def start(folder, *args):
    """A command line in a process of its own, forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["survival"])
    process = context.Process(target=_run, args=(str(folder), [str(arg) for arg in args]))
    process.start()
    return process


def _run(folder, args):
    os.chdir(folder)
    err = os.open("err.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    torch.set_num_threads(1)
    stop_at_once()
    sys.exit(main(args))
