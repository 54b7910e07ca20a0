"""What is said on stderr of how far a training is: a bar on a terminal, lines in a log."""

import csv
import io
import re
import time

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch.optim import SGD
from tqdm.utils import disp_len

from litmore.callbacks import PrintSamples, TimedProgressBar
from litmore.data import NamesDataModule
from litmore.models import MLP


class Terminal(io.StringIO):
    def isatty(self):
        return True


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


class Alternating(MLP):
    """Of two optimizers, stepped by hand."""

    def __init__(self, vocabulary):
        super().__init__(vocabulary)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        for optimizer in self.optimizers():
            optimizer.step()
            optimizer.zero_grad()

    def configure_optimizers(self):
        return [SGD(part.parameters(), lr=0.1) for part in (self.hidden, self.output)]


@pytest.fixture
def told(trainer, monkeypatch):
    """All that is said in a training: each drawing of a bar, or each line."""

    def told(seconds, stream=Terminal, width="200", model=Telling, callbacks=(), **flags):
        monkeypatch.setenv("COLUMNS", width)
        monkeypatch.setattr("sys.stderr", err := stream())
        data = NamesDataModule(max_words=500, batch_size=64)
        callbacks = [TimedProgressBar(seconds), *callbacks]
        fit = trainer(enable_progress_bar=True, num_sanity_val_steps=0, log_every_n_steps=1,
                      callbacks=callbacks, **flags)  # fmt: skip
        fit.fit(model(data.vocabulary.characters), data)
        said = err.getvalue()
        assert "\x1b" not in said
        assert said.endswith("\n")
        return said.replace("\r", "\n").splitlines()

    return told


def test_the_bar_shows_what_the_model_wants_on_it(told):
    lines = told(1e-9, max_epochs=2)
    last = lines[-1]
    assert "88/88, 00:00 left" in last
    assert "step/s" in last
    for shown in ("train/loss ", "val/loss ", "scale 0.1235", "val/own 31"):
        assert last.count(shown) == 1
    assert "unseen" not in "".join(lines)
    assert "scale 0.1235" in lines[2]
    assert len(lines) >= 88


@pytest.mark.parametrize(("width", "shown"), [
    ("80", r"val/loss \d\.\d{4}, train/loss \d\.\d{4} \|.+\| 88/88, 00:00 left, +[\d.]+step/s.*"),
    ("30", r"val/loss \d\.\d{4}, train/loss"),
    ("1", "v"),
])  # fmt: skip
def test_a_narrow_terminal_keeps_the_losses(told, width, shown):
    lines = told(1e-9, width=width, max_epochs=2)
    assert re.match(shown, lines[-1].rstrip())
    assert max(map(len, lines)) == max(int(width) - 1, 1)


@pytest.mark.parametrize(("flags", "lines"), [
    ({"max_epochs": 2}, [r"step 44/88: val/loss", r"step 88/88: val/loss .*, 00:00 left"]),
    ({"max_steps": 60, "val_check_interval": 20},
     [r"step 20/60: val/loss \d\.\d{4}, train/loss \d\.\d{4}, scale 0.1235, val/own 31, [\d.e+]+ "
      r"step/s, 00:0\d left", "step 40/60: ", "step 44/60", "step 60/60: "]),
    ({"max_epochs": 1, "limit_val_batches": 0}, ["step 44/44: train/loss"]),
    ({"max_epochs": 1, "accumulate_grad_batches": 2}, ["batch 44/44: val/loss .* batch/s"]),
    # 44 batches are five steps, the last of four batches.
    ({"max_steps": 8, "accumulate_grad_batches": 10}, [r"batch 44/74: ", r"batch 74/74: "]),
    ({"max_epochs": -1, "max_steps": 12, "model": Alternating}, [r"step 6/6: val/loss .*00:00"]),
])  # fmt: skip
def test_a_log_has_a_line_at_each_validation(told, flags, lines):
    said = told(None, io.StringIO, **flags)
    lines = [line for line in lines if "44/60" not in line]
    assert len(said) == len(lines)
    assert all(map(re.match, lines, said))


def test_a_training_without_an_end_is_counted(told):
    class Ending(Callback):
        def on_train_batch_end(self, trainer, *args):
            trainer.should_stop = trainer.global_step >= 30

    lines = told(1e-9, callbacks=[Ending()], max_epochs=-1, limit_val_batches=0)
    assert "step 30, 00:0" in lines[-1]
    lines = told(1e-9, callbacks=[Ending()], max_epochs=-1, accumulate_grad_batches=2)
    assert "batch 60, 00:0" in lines[-1]


def test_no_name_breaks_the_line(told):
    class Odd(Telling):
        def training_step(self, batch, batch_idx):
            self.log("損失の値", torch.tensor(float("nan")), prog_bar=True)
            self.log("two\nlines\x1b[31m", torch.tensor(float("inf")), prog_bar=True)
            return super().training_step(batch, batch_idx)

    lines = told(1e-9, model=Odd, max_steps=3)
    assert "損失の値 nan, two lines [31m inf" in lines[-1]
    assert set(map(disp_len, lines)) <= {0, 199}
    assert "two lines [31m inf" in told(None, io.StringIO, model=Odd, max_steps=3)[0]


def test_between_two_drawings_it_asks_the_trainer_nothing(trainer, told):
    lines = told(3600.0, max_steps=20)
    assert len(lines) <= 4  # where it opens, at the validation, where it ends
    bar = TimedProgressBar(3600.0)
    bar._drawn = time.monotonic()
    bar.on_train_batch_end(object.__new__(Trainer))  # which can answer nothing


class Left(io.StringIO):
    """Its reader has gone."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [None, Left()])
def test_a_training_outlasts_whoever_looks_on(trainer, monkeypatch, stream):
    data = NamesDataModule(max_words=500, batch_size=64)
    fit = trainer(enable_progress_bar=True, max_steps=2, callbacks=[TimedProgressBar(1e-9)])
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        fit.fit(Telling(data.vocabulary.characters), data)
    assert fit.global_step == 2


def test_what_a_model_prints_stands_above_the_bar(told, capsys):
    class Printing(Telling):
        def on_validation_epoch_end(self):
            super().on_validation_epoch_end()
            self.print("validated")

    lines = told(1e-9, model=Printing, max_epochs=1)
    assert capsys.readouterr().out == "validated\n"
    assert " " * 199 in lines
    assert "44/44" in lines[-1]


def test_what_a_model_prints_while_it_is_judged_stands_above_that_bar(trainer, monkeypatch):
    class Printing(Telling):
        def test_step(self, batch, batch_idx):
            self.print("tested", batch_idx)

    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stderr", screen := Terminal())
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("litmore.progress.SILENT", 0.0)
    data = NamesDataModule(batch_size=64)
    judge = trainer(enable_progress_bar=True, callbacks=[TimedProgressBar()])
    judge.test(Printing(data.vocabulary.characters), data, verbose=False)
    lines = screen.getvalue().replace("\r", "\n").splitlines()
    printed = [line for line in lines if "tested" in line]
    assert printed == [f"tested {i}" for i in range(len(printed))]
    assert len(printed) > 2
    assert any(line.startswith("testing:") for line in lines)


def test_samples_are_printed_at_each_validation(told, capsys, seed_everything):
    def printed():
        seed_everything(1)
        told(None, io.StringIO, callbacks=[PrintSamples(6)], max_epochs=2)
        return capsys.readouterr().out

    out = printed()
    assert printed() == out
    first, second = out.split("\n\n")[:2]
    assert (first.splitlines()[0], second.splitlines()[0]) == ("step 44", "step 88")
    rows = [re.fullmatch(r" +(\d) (new|in train|held out)(?:: (.+))?", line)
            for line in second.splitlines()[1:]]  # fmt: skip
    assert [row[2] for row in rows] == ["new", "in train", "held out"]
    assert sum(int(row[1]) for row in rows) == 6
    assert [len(row[3].split(", ")) if row[3] else 0 for row in rows] == [int(r[1]) for r in rows]


def test_a_sample_that_a_list_would_hide_stands_in_quotes(trainer, word_file, capsys):
    class Knowing(MLP):
        """Nothing: the boundary is as likely as any character."""

        def forward(self, x):
            return super().forward(x) * 0

    data = NamesDataModule(word_file(["b:", ",b", "b b"] * 20), batch_size=64)
    fit = trainer(max_steps=1, callbacks=[PrintSamples(30)])
    fit.fit(Knowing(data.vocabulary.characters), data)
    said = re.findall(r" +(\d+) ([a-z ]+)(?:: (.+))?\n", capsys.readouterr().out)
    lists = [row for _, _, row in said if row]
    read = list(csv.reader(lists, quotechar="'", skipinitialspace=True))
    assert [len(names) for names in read] == [int(number) for number, _, _ in said if int(number)]
    names = [name for each in read for name in each]
    assert len(names) == 30
    assert "" in names
    assert any("," in name for name in names)
    assert any(name.endswith(":") for name in names)
