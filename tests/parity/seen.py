"""What a command line does: run by plain LightningCLI or by litmore, and looked at from inside."""

import csv
import gc
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from reference import PlainCLI

from litmore.cli import main
from litmore.runs.trust import restrict_imports

WORDS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "rst"]
SIZES = "--model.embedding_dim 4 --model.hidden_dim 8"
DEFAULTS = {
    "trainer.accelerator": "cpu",
    "trainer.max_steps": "13",
    "trainer.logger": "false",
    "trainer.num_sanity_val_steps": "0",
    "trainer.enable_progress_bar": "false",
    "trainer.enable_model_summary": "false",
    "trainer.log_every_n_steps": "1",
    "optimizer": "AdamW",
}


@dataclass
class Seen:
    """What a run has done; `None` where it was refused."""

    error: str | None = None
    told: str = ""
    lrs: list[float] = field(default_factory=list)  # at each training batch
    steps: list[int] = field(default_factory=list)  # taken after each training batch
    validated: list[tuple[int, int]] = field(default_factory=list)  # at which step, in batches
    judged: list[int] = field(default_factory=list)  # batches of test, of predict
    dtypes: tuple = ()  # of the weights, of the logits
    weights: torch.Tensor | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)  # files of the user's own folder
    logged: list[int] = field(default_factory=list)  # at which steps train/loss is
    inference: bool = False  # in a validation
    parts: dict[str, str] = field(default_factory=dict)  # strategy, precision, profiler, …


def _kind(logger):
    return "TensorBoardLogger" if isinstance(logger, TensorBoardLogger) else type(logger).__name__


class Observer(Callback):
    """Looks at a Trainer's run."""

    def __init__(self, seen: Seen):
        self.seen = seen

    def setup(self, trainer, pl_module, stage):
        self.seen.parts = {
            "strategy": type(trainer.strategy).__name__,
            "precision": trainer.precision,
            "profiler": trainer.profiler.__class__.__name__.removeprefix("_NoProfiler"),
            "loggers": " ".join(sorted(map(_kind, trainer.loggers))),
            "deterministic": str(torch.are_deterministic_algorithms_enabled()),
            "benchmark": str(torch.backends.cudnn.benchmark),
            "anomaly": str(torch.is_anomaly_enabled()),
            "devices": str(trainer.num_devices),
        }
        self.seen.parts["profiler"] = self.seen.parts["profiler"] or "PassThroughProfiler"

        def look(module, inputs, output):
            self.seen.dtypes = (next(pl_module.parameters()).dtype, output.dtype)

        if hasattr(pl_module, "output"):
            self.hook = pl_module.output.register_forward_hook(look)

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.seen.parts["anomaly"] = str(torch.is_anomaly_enabled())
        self.seen.lrs += [o.param_groups[0]["lr"] for o in trainer.optimizers]

    def on_train_batch_end(self, trainer, *_):
        self.seen.steps.append(trainer.global_step)

    def on_validation_epoch_start(self, trainer, pl_module):
        self.batches = 0

    def on_validation_batch_end(self, *_):
        self.seen.inference = torch.is_inference_mode_enabled()
        self.batches += 1

    def on_validation_epoch_end(self, trainer, pl_module):
        self.seen.judged += range(self.batches) if trainer.state.fn == "validate" else ()
        if not trainer.sanity_checking:
            self.seen.validated.append((trainer.global_step, self.batches))

    def on_test_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.seen.inference = torch.is_inference_mode_enabled()
        self.seen.judged.append(batch_idx)

    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.seen.judged.append(batch_idx)

    def teardown(self, trainer, pl_module, stage):
        if hasattr(self, "hook"):
            self.hook.remove()
        self.seen.metrics = {k: float(v) for k, v in trainer.callback_metrics.items()}
        parameters = [p.detach().double().flatten() for p in pl_module.parameters()]
        self.seen.weights = torch.cat(parameters)


def run(side: str, args: list[str], folder: Path, capsys) -> Seen:
    """Run a command line as "plain" or as "litmore", in this folder."""
    seen = Seen()
    # As a package's entry point would add it to every Trainer.
    entry_points = (
        "lightning.pytorch.trainer.connectors.callback_connector._load_external_callbacks"
    )
    capsys.readouterr()
    with (
        patch(entry_points, lambda group: [Observer(seen)]),
        patch("sys.unraisablehook", lambda unraisable: None),  # half-made profilers of Lightning's
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)  # Lightning's advice, to both
        if side == "plain":
            warnings.simplefilter("ignore")
            restrict_imports(trust_config=True)
            try:
                PlainCLI(args)
            except SystemExit:  # what the parser refuses
                seen.error = " ".join(capsys.readouterr().err.split())[-300:]
            except Exception as error:
                seen.error = f"{type(error).__name__}: {error}"
        elif main(args):
            seen.error = ""
        if seen.error is not None:
            gc.collect()
    out = capsys.readouterr()
    seen.told = out.out + out.err
    if seen.error == "":
        seen.error = out.err
    seen.kept = sorted(str(path.relative_to(folder)) for path in folder.rglob("kept/**/*.ckpt"))
    for path in sorted(folder.rglob("metrics.csv")):
        rows = list(csv.DictReader(path.read_text().splitlines()))
        seen.logged += [int(row["step"]) for row in rows if row.get("train/loss")]
    return seen


def command(side: str, row_args: str, view: str, words: str, name: str, path: str) -> list[str]:
    """The command line of a row, for this side and view; a checkpoint's, if it is to be judged."""
    own = row_args.replace("{words}", words).split()
    args = [name]
    if name != "fit":
        args += ["--ckpt_path", path]
    if side == "litmore" and name != "fit":
        args += ["--data.path", words]
    elif side == "plain":
        args += ["--model", "reference.PlainMLP", "--model.vocab_size", "14"]
        args += ["--model.block_size", "3", "--data", "litmore.data.NamesDataModule"]
    else:
        args += ["--model", "MLP"]
    if side == "plain" or name == "fit":
        args += [*SIZES.split(), "--data.path", words, "--data.view", view]
    flags = [arg.split("=")[0] for arg in own]
    if "--trainer.max_epochs" in flags:
        flags.append("--trainer.max_steps")
    if "--trainer.barebones" in flags:  # Lightning refuses to be told what it leaves out
        flags += ["--trainer.log_every_n_steps", "--trainer.num_sanity_val_steps"]
    for key, value in DEFAULTS.items():
        if f"--{key}" not in flags and (name == "fit" or key != "optimizer"):
            args += [f"--{key}", value]
    return args + own
