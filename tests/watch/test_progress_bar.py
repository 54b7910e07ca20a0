"""What the bar of a training says, on stderr."""

import time

import torch
from lightning.pytorch import Trainer
from torch.optim import SGD

from litmore.callbacks import TimedProgressBar
from litmore.data import NamesDataModule
from litmore.models import MLP


class Telling(MLP):
    def training_step(self, batch, batch_idx):
        self.log("scale", torch.tensor(0.123456), prog_bar=True)
        self.log("unseen", 2.0)
        return super().training_step(batch, batch_idx)

    def on_validation_epoch_end(self):
        super().on_validation_epoch_end()
        self.log("val/own", 31.0, prog_bar=True)

    def configure_optimizers(self):
        return SGD(self.parameters(), lr=0.1)


def told(trainer, capsys, **flags):
    """All that the bar of a training says."""
    data = NamesDataModule(max_words=500, batch_size=64)
    fit = trainer(enable_progress_bar=True, num_sanity_val_steps=0, log_every_n_steps=1, **flags)
    fit.fit(Telling(data.vocabulary.characters), data)
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    return [line for line in lines if line.startswith("training")]


def test_the_bar_shows_what_the_model_wants_on_it(trainer, capsys):
    lines = told(trainer, capsys, callbacks=[TimedProgressBar(1e-9)], max_epochs=2)
    last = lines[-1]
    assert "training: 100%" in last
    assert "88/88" in last
    for shown in ("train/loss=", "val/loss=", "scale=0.1235", "val/own=31"):
        assert shown in last
        assert last.count(shown) == 1
    assert "unseen" not in "".join(lines)
    assert "scale=0.1235" in lines[2]
    assert len(lines) >= 88


def test_between_two_drawings_it_asks_the_trainer_nothing(trainer, capsys):
    bar = TimedProgressBar(3600.0)
    lines = told(trainer, capsys, callbacks=[bar], max_steps=20)
    assert len(lines) <= 4  # where it opens, at the first step, where it ends
    bar._drawn = time.monotonic()
    bar.on_train_batch_end(object.__new__(Trainer))  # which can answer nothing
