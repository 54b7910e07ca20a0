"""The two ways in which the lectures' figures are run again: litmore's, and the notebooks'."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD

import litmore.models
from litmore.data import NamesDataModule, TextDataModule
from litmore.data.views import Windows
from litmore.models import CharLM
from litmore.runs.checkpoint import load_model

ROOT = Path(__file__).parents[1]


class Run:
    """One `fit` of a lecture config, in a folder that goes away."""

    def __init__(self, config: str, data: Sequence[str], folder: Path, *more: str) -> None:
        args = ["fit", "--config", f"configs/lecture/{config}.yaml", *data, *more]
        self.command = "python main.py " + " ".join(args)
        started = time.perf_counter()
        root = ["--trainer.default_root_dir", str(folder)]
        subprocess.run(
            [sys.executable, "main.py", *args, *root],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # as many as 32 examples keep busy
        )
        self.seconds = time.perf_counter() - started
        self.folder = folder / config / "version_0"
        self.events = EventAccumulator(str(self.folder), {"scalars": 0}).Reload()

    def logged(self, name: str) -> list[float]:
        """All values of a metric, in the order of its steps."""
        return [event.value for event in self.events.Scalars(name)]

    def model(self) -> CharLM:
        """The trained model."""
        return load_model(self.folder / "checkpoints" / "last.ckpt")


class Notebook:
    """A lecture config's model, trained as the notebooks do, at their first learning rate.

    They draw 32 examples with replacement, from the generator that drew the weights before;
    litmore's loader serves each example once an epoch.
    """

    def __init__(self, config: str, module: NamesDataModule) -> None:
        settings = yaml.safe_load((ROOT / f"configs/lecture/{config}.yaml").read_text())
        seed, block_size = settings["seed_everything"], settings["data"]["block_size"]
        model = getattr(litmore.models, settings["model"]["class_path"].rpartition(".")[2])
        init = settings["model"]["init_args"]
        torch.manual_seed(seed)
        self.model: CharLM = model(module.vocabulary, block_size, **init)
        self.view = Windows(module.splits["train"], block_size)
        self.generator = torch.Generator().manual_seed(seed)
        for layer in self.model.modules():  # to where it stood after the weights
            if isinstance(layer, nn.Embedding | nn.Linear):
                torch.randn(layer.weight.shape, generator=self.generator)
        if init["init"] == "lecture_part3":
            torch.randn(self.model.output.bias.shape, generator=self.generator)
        self.optimizer = SGD(self.model.parameters(), lr=0.1)
        self.step = -1
        self.seconds = 0.0

    @property
    def size(self) -> int:
        """How many parameters."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def until(self, step: int) -> float:
        """The loss that the notebook prints at a step, before that step's update."""
        started = time.perf_counter()
        while self.step < step:
            self.step += 1
            examples = torch.randint(0, len(self.view), (32,), generator=self.generator)
            x, y = self.view[examples]
            loss = F.cross_entropy(self.model.train()(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.seconds += time.perf_counter() - started
        return float(loss.detach())

    def saturated(self, step: int) -> list[float]:
        """Of each tanh layer, the percentage beyond ±0.97 on a step's batch."""
        shares: list[float] = []
        self.until(step - 1)
        hooks = [
            module.register_forward_hook(
                lambda *called: shares.append(100 * float((called[-1].abs() > 0.97).float().mean()))
            )
            for module in self.model.modules()
            if isinstance(module, nn.Tanh)
        ]
        self.until(step)
        for hook in hooks:
            hook.remove()
        return shares


def split_loss(model: CharLM, module: NamesDataModule | TextDataModule, split: str) -> float:
    """Of all examples at once, batch norm by its running averages."""
    view = Windows(module.splits[split], model.block_size)
    with torch.inference_mode():
        x, y = view[torch.arange(len(view))]
        return float(F.cross_entropy(model.eval()(x), y))
