"""The lectures' figures, from the shipped lecture configs; the long run is `make lectures`'s."""

from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.nn import functional as F

from litmore import models
from litmore.cli import main
from litmore.data import NamesDataModule, TextDataModule
from litmore.runs.checkpoint import load_model

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def fit(tmp_path, monkeypatch, capsys):
    """Run a lecture config: what it logged, by metric, and its folder."""
    monkeypatch.chdir(tmp_path)

    def fit(config, *args):
        path = str(CONFIGS / f"lecture/{config}.yaml")
        quick = ["--tensorboard.stats=false", "--tensorboard.every_n_steps=0"]
        code = main(["fit", "--config", path, *quick, *map(str, args)])
        assert code == 0, capsys.readouterr().err
        folder = max(Path("logs", config).glob("version_*"))
        events = EventAccumulator(str(folder), {"scalars": 0}).Reload()
        tags = events.Tags()["scalars"]
        return {tag: [event.value for event in events.Scalars(tag)] for tag in tags}, folder

    return fit


def figure(value, digits=4):
    return pytest.approx(value, abs=0.5 * 10**-digits + 1e-6)


def test_the_file(makemore_names):
    data = NamesDataModule(str(makemore_names))
    lengths = data.corpus.lengths - 1
    assert (len(data.corpus), int(lengths.min()), int(lengths.max())) == (32_033, 2, 15)
    assert data.corpus.num_examples == 228_146


@pytest.mark.parametrize(("smoothing", "loss"), [(0, 2.4540), (1, 2.4546)])
def test_the_count_bigram(fit, makemore_names, smoothing, loss):
    logged, _ = fit("bigram_counts", "--data.path", makemore_names, "--model.smoothing", smoothing)
    assert logged["train/loss"] == [figure(loss)]


def test_andrejq(fit, makemore_names):
    _, folder = fit("bigram_counts", "--data.path", makemore_names)
    model = load_model(folder / "checkpoints/last.ckpt")
    tokens = torch.tensor([0, *model.vocabulary.encode("andrejq"), 0])
    nll = -model.probabilities()[tokens[:-1], tokens[1:]].log().mean()
    assert float(nll) == figure(3.4834)


def test_the_neural_bigram(fit, makemore_names):
    objective = fit("bigram", "--data.path", makemore_names)[0]["train/objective"]
    assert len(objective) == 201
    assert [objective[0], objective[100], objective[200]] == [
        figure(3.7686), figure(2.4900), figure(2.4830),
    ]  # fmt: skip


def test_overfitting_the_first_five_words(fit):
    # They are the same in the embedded list.
    logged, folder = fit("overfit", "--trainer.max_steps", 1250)
    losses = logged["train/loss"]
    assert losses[0] == figure(17.7697)
    assert losses[1000] == figure(0.2561)
    assert min(abs(loss - 0.25521) for loss in losses) < 5e-6
    assert logged["train/floor"] == [figure(0.25147, 5)]
    assert 0.25147 <= losses[-1] <= 1.02 * 0.25147
    assert "val/loss" not in logged
    model = load_model(folder / "checkpoints/last.ckpt")
    assert sum(p.numel() for p in model.parameters()) == 3481


def test_the_long_run_is_the_lectures(fit, makemore_names):
    logged, folder = fit("mlp", "--data.path", makemore_names, "--trainer.max_steps", 300,
                         "--trainer.log_every_n_steps", 1)  # fmt: skip
    assert logged["train/loss"][0] > 20  # N(0, 1) weights are confidently wrong
    assert logged["val/loss"][-1] < logged["train/loss"][0] / 2
    checkpoint = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["lr_schedulers"][0]["milestones"] == {100_000: 1}
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] == 0.1


LATER = {
    "part3_batchnorm": (3.3239, 12_097),
    "part3_deep": (3.2870, 47_024),
    "part5_wavenet_large": (3.3167, 76_579),
}


@pytest.mark.parametrize("config", LATER)
def test_the_later_parts_start_as_the_notebooks(config, makemore_names, seed_everything):
    settings = yaml.safe_load((CONFIGS / f"lecture/{config}.yaml").read_text())
    data = NamesDataModule(str(makemore_names), block_size=settings["data"]["block_size"])
    name = settings["model"]["class_path"].rpartition(".")[2]
    seed_everything(settings["seed_everything"])
    model = getattr(models, name)(
        data.vocabulary, data.block_size, **settings["model"]["init_args"]
    )
    # The notebooks draw a batch from the generator that drew the weights.
    g = torch.Generator().manual_seed(settings["seed_everything"])
    for layer in model.modules():
        if isinstance(layer, nn.Embedding | nn.Linear):
            torch.randn(layer.weight.shape, generator=g)
    if config == "part3_batchnorm":
        torch.randn(27, generator=g)  # b2, times zero
    view = data.split_view("train")
    x, y = view[torch.randint(0, len(view), (32,), generator=g)]
    first, parameters = LATER[config]
    assert float(F.cross_entropy(model(x), y).detach()) == figure(first)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "lecture").glob("part*.yaml")), ids=lambda p: p.stem
)
def test_the_later_parts_train_as_the_notebooks(path):
    settings = yaml.safe_load(path.read_text())
    assert settings["data"]["batch_size"] == 32
    assert settings["optimizer"] == {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}
    late = "part5" in path.stem or "deep" in path.stem
    assert settings["lr_scheduler"]["init_args"]["milestones"] == [150_000 if late else 100_000]
    assert settings["trainer"]["max_steps"] == 200_000


def test_the_gpt_lectures_bigram(fit, shakespeare):
    more = ["--data.path", shakespeare, "--trainer.max_steps=300", "--trainer.log_every_n_steps=1"]
    logged, folder = fit("gpt_bigram", *more)
    assert logged["train/loss"][0] == pytest.approx(4.73, abs=0.2)  # N(0, 1): ln 65 + 0.5
    assert logged["val/loss"][-1] < 3
    checkpoint = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    assert sum(weight.numel() for weight in checkpoint["state_dict"].values()) == 4225


def test_shakespeare_by_counting(shakespeare, trainer):
    data = TextDataModule(
        str(shakespeare), block_size=6, view="windows", batch_size=65_536, split=(0.9, 0.1, 0.0)
    )
    assert [len(part) for part in data.splits.values()] == [1_003_854, 111_540, 0]
    assert len(data.vocabulary) == 65
    model = models.NGram(data.vocabulary, 6)
    trainer(max_epochs=1, limit_val_batches=0).fit(model, data)
    found = trainer().validate(model, data, verbose=False)[0]
    assert found["val/loss"] == figure(1.5165)  # plain Kneser-Ney in Python, of the whole split
