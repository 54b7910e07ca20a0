"""From Python, as in any Lightning project: a plain Trainer, a model, a data module or loader."""

import math

import pytest
import torch
import yaml
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader, TensorDataset

from litmore.data import NamesDataModule
from litmore.models import MLP, RNN, CountBigram, NeuralBigram, NGram, Transformer, WaveNet


class Validated(Callback):
    """At which steps validations came."""

    def __init__(self):
        self.at = []

    def on_validation_end(self, trainer, pl_module):
        if not trainer.sanity_checking:
            self.at.append(trainer.global_step)


@pytest.fixture
def data(word_file):
    return NamesDataModule(word_file([a + b + c for a in "bdfgk" for b in "aeiou" for c in "rst"]))


def test_a_vocabulary_a_default_optimizer_and_a_last_validation(trainer, data, tmp_path):
    model, validated = MLP(data.vocabulary), Validated()
    logger = TensorBoardLogger(tmp_path, "", "")
    fitting = trainer(max_steps=300, log_every_n_steps=4, callbacks=[validated], logger=logger)
    fitting.fit(model, data)
    assert 300 % len(data.train_dataloader())  # in the middle of an epoch
    assert validated.at[-1] == 300
    assert float(fitting.callback_metrics["val/loss"]) < math.log(len(data.vocabulary))
    fitting.save_checkpoint(tmp_path / "a.ckpt")
    kept = torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]
    assert kept["vocabulary"] == data.vocabulary.characters
    written = yaml.safe_load((tmp_path / "hparams.yaml").read_text())
    assert written["vocabulary"] == kept["vocabulary"]
    again = MLP.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    x = torch.zeros(1, 3, dtype=torch.long)
    assert torch.equal(again(x), model(x))


@pytest.mark.parametrize("first", ["validate", "test"])
@pytest.mark.parametrize("make", [MLP, NeuralBigram, CountBigram, NGram, WaveNet, RNN, Transformer])
def test_judging_then_training_one_model_on_one_trainer(trainer, data, make, first):
    model, one = make(data.vocabulary), trainer(max_epochs=1)
    data.block_size, data.view = model.block_size, model.views[0]
    (before,) = getattr(one, first)(model, data, verbose=False)
    one.fit(model, data)
    (after,) = getattr(one, first)(model, data, verbose=False)
    loss = {"validate": "val/loss", "test": "test/loss"}[first]
    assert after[loss] < before[loss]
    one.fit_loop.max_epochs = 2
    one.fit(model, data)


def test_a_model_with_places_of_its_own_and_lightnings_own_logger(word_file, tmp_path):
    data = NamesDataModule(word_file(["emma", "ava", "mia"] * 9), view="words")
    logger = TensorBoardLogger(tmp_path, "", "")
    flags = dict.fromkeys(("enable_progress_bar", "enable_model_summary"), False)
    flags |= {"logger": logger, "max_steps": 2, "log_every_n_steps": 1}
    fitting = Trainer(accelerator="cpu", default_root_dir=tmp_path, **flags)
    fitting.fit(Transformer(data.vocabulary, block_size=4), data)
    assert yaml.safe_load((tmp_path / "hparams.yaml").read_text())["block_size"] == 4


def test_two_fits_of_one_process_are_the_same(trainer, data):
    losses = []
    for _ in range(2):
        torch.manual_seed(3)
        fitting = trainer(max_steps=20, log_every_n_steps=1)
        fitting.fit(MLP(data.vocabulary), data)
        losses.append(float(fitting.callback_metrics["train/loss"]))
    assert losses[0] == losses[1]


def test_plain_pairs_of_any_loader_are_a_batch(trainer, data):
    batch = data.split_view("train")[torch.arange(64)]
    pairs = DataLoader(TensorDataset(*batch), batch_size=64)
    torch.manual_seed(0)
    model, fitting = MLP(data.vocabulary), trainer(max_epochs=30, log_every_n_steps=1)
    fitting.fit(model, pairs, pairs)
    assert float(fitting.callback_metrics["val/loss"]) < 2.0
    assert float(fitting.callback_metrics["train/loss"]) < 2.0


def test_a_models_own_numbers_go_where_lightning_says(trainer, data, tmp_path):
    class Own(MLP):
        def training_step(self, batch, batch_idx):
            self.log("own/step", float(batch_idx), prog_bar=True)
            self.log("own/epoch", 1.0, on_step=False, on_epoch=True)
            return super().training_step(batch, batch_idx)

    logger = CSVLogger(tmp_path)
    written = []
    logger.log_metrics = lambda metrics, step: written.append((step, metrics))
    fitting = trainer(max_epochs=1, log_every_n_steps=2, limit_train_batches=6, logger=logger)
    fitting.fit(Own(data.vocabulary), data)
    at = {step: metrics["own/step"] for step, metrics in written if "own/step" in metrics}
    assert at == {1: 1.0, 3: 3.0, 5: 5.0}
    assert {"own/step", "own/epoch"} <= set(fitting.callback_metrics)
    assert "own/step" in fitting.progress_bar_metrics
    assert any("own/epoch" in metrics for _, metrics in written)
