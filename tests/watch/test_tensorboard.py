"""What TensorBoard shows: real runs by the command line, read back from their event files."""

import csv
import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch import LightningModule
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch import nn

from litmore import callbacks
from litmore.callbacks import Drawing, tensorboard
from litmore.cli import main
from litmore.data import Corpus, NamesDataModule
from litmore.data.counts import Counts
from litmore.data.views import Windows, Words
from litmore.errors import InputError
from litmore.models import MLP, CharLM, CountBigram
from litmore.models.losses import total_nll
from litmore.runs import checkpoint as checkpoints
from litmore.runs.history import curves_of
from litmore.runs.summary import read_summary
from litmore.watch import drawing, parts
from litmore.watch.labels import kind
from litmore.watch.parts import heat_map
from litmore.watch.parts.difficulty import character_losses
from litmore.watch.parts.heat_map import bigram_shares
from litmore.watch.tensorboard import part_classes

ROOT = Path(__file__).parents[2]
SMALL = ["--data.max_words", "2000", "--data.batch_size", "512", "--trainer.accelerator", "cpu"]
STEPS = 25
PICTURES = {"watch/bigram", "watch/embedding", "watch/difficulty"}
METRICS = ["loss", "perplexity", "bits_per_char", "accuracy"]
PARAMETERS = ("embedding.weight", "hidden.weight", "hidden.bias", "output.weight", "output.bias")


def fit(folder, config, *flags, steps=STEPS):
    """Train by the command line; the run's folder."""
    path = str(ROOT / "configs" / f"{config}.yaml")
    length = ["--trainer.max_steps", str(steps), "--trainer.val_check_interval", "15"]
    length = length if config != "bigram_counts" else []
    assert main([
        "fit", "--config", path, *SMALL, *length, "--trainer.default_root_dir", str(folder),
        "--trainer.log_every_n_steps", "5", "--trainer.enable_progress_bar", "false", *flags,
    ]) == 0  # fmt: skip
    return max((folder / config).iterdir(), key=lambda run: int(run.name.split("_")[1]))


@pytest.fixture(scope="module")
def written():
    """What the heat maps of the runs have written, by run: each text and the cell it stands in."""
    return {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, written):
    """A run of each shipped config, the MLP's judged by `test` and with a CSV table beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", "0")  # the runs set it; the next tests shall not see it
        patch.setattr(drawing.log, "warning", failed)
        cells: list = []
        patch.setattr(heat_map, "_cells", recording(heat_map._cells, cells))
        folder = tmp_path_factory.mktemp("logs")
        csv_too = ["--config", str(ROOT / "configs" / "trainer" / "csv.yaml")]
        found = {}
        for name, flags in (("mlp", csv_too), ("bigram", []), ("bigram_counts", [])):
            found[name] = fit(folder, name, *flags)
            written[name] = {(y, x): text for text, x, y, *_ in cells}
            cells.clear()
        best = str(found["mlp"] / "checkpoints" / "best.ckpt")
        for _ in range(2):  # the second judgement replaces the first
            assert main(["test", "--ckpt_path", best]) == 0
    return found


def failed(message, *args):
    raise AssertionError(message % args)


def recording(texts, into):
    def recorded(*args):
        for each in texts(*args):
            into.append(each)
            yield each

    return recorded


def events_of(run):
    return EventAccumulator(str(run), size_guidance=dict.fromkeys(
        ("scalars", "images", "histograms", "tensors"), 0
    )).Reload()  # fmt: skip


@pytest.fixture(scope="module")
def events(runs):
    return {name: events_of(run) for name, run in runs.items()}


def text(events, tag):
    (proto,) = events.Tensors(f"{tag}/text_summary")[-1].tensor_proto.string_val
    return proto.decode()


def picture(event):
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)).convert("RGB"))


@pytest.mark.parametrize("stage", ["train", "val"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_metrics_of_training_and_validation(events, stage, metric):
    points = events["mlp"].Scalars(f"{stage}/{metric}")
    assert len(points) == {"train": 5, "val": 2}[stage]
    assert points[-1].step in (STEPS - 1, STEPS)
    assert len({point.step for point in points}) == len(points)


def test_a_judgement_is_a_table_and_a_level_line(events, runs):
    (judged,) = events["mlp"].Tensors("scores/test/text_summary")
    found = read_summary(runs["mlp"]).test
    assert set(found) == {f"test/{metric}" for metric in METRICS}
    for name, value in found.items():
        assert f"| `{name}` | {value:.4f} |" in text(events["mlp"], "scores/test")
    line = events["mlp"].Scalars("results/test_loss")
    assert [point.step for point in line] == [0, judged.step]
    assert [point.value for point in line] == pytest.approx([found["test/loss"]] * 2)
    (test,) = [c for c in curves_of(runs["mlp"], "") if c.metric == "test/loss"]
    assert test.steps.tolist() == [judged.step]
    assert test.values.tolist() == pytest.approx([found["test/loss"]])


def in_order(tags):
    """As TensorBoard sorts them: `/`, `_` and digits before all else, and then by their code."""
    return sorted(tags, key=lambda tag: [(c not in "/_" and not c.isdigit(), c) for c in tag])


def test_the_losses_come_first_of_all_charts(events):
    for name, found in events.items():
        tags = found.Tags()
        charts = in_order([*tags["scalars"], *tags["images"], *tags["histograms"]])
        groups = list(dict.fromkeys(tag.split("/")[0] for tag in charts))
        assert groups[:3] == ["results", "train", "val"], name
        assert all(group.startswith("watch") for group in groups[3:]), name
        texts = [tag for tag in tags["tensors"] if tag.endswith("/text_summary")]
        groups = list(dict.fromkeys(tag.split("/")[0] for tag in in_order(texts)))
        assert groups == ["samples", *["scores"] * (name == "mlp"), "setup"], name


def test_no_chart_has_one_dot_alone(events):
    for name, found in events.items():
        for tag in found.Tags()["scalars"]:
            # Counts are there at once: they are validated a single time.
            counted = name == "bigram_counts" and tag.startswith(("train/", "val/"))
            assert counted or len(found.Scalars(tag)) > 1, (name, tag)


def test_the_statistics_of_the_training(events):
    mlp = events["mlp"]
    tags = ["watch_optimizer/lr", "watch_optimizer/gradient_norm",
            "watch_speed/examples_per_second", "watch_saturated/activation",
            *(f"watch_update_ratio/{name}" for name in PARAMETERS)]  # fmt: skip
    for tag in tags:
        points = mlp.Scalars(tag)
        steps = [point.step for point in points]
        # A bias of zeros has no spread to compare with, before the first step.
        assert steps in ([4, 9, 14, 19, 24], [9, 14, 19, 24]), tag
        assert all(math.isfinite(point.value) for point in points), (tag, points)
    assert all(point.value > 0 for point in mlp.Scalars("watch_optimizer/gradient_norm"))
    assert max(point.value for point in mlp.Scalars("watch_optimizer/lr")) <= 0.07
    assert all(0 <= point.value <= 1 for point in mlp.Scalars("watch_saturated/activation"))
    assert all(-12 < point.value < 1 for point in mlp.Scalars("watch_update_ratio/hidden.weight"))
    assert {point.value for point in mlp.Scalars("watch_update_ratio/good")} == {-3}


def test_the_first_loss_stands_beside_that_of_guessing(events):
    for name in ("mlp", "bigram", "bigram_counts"):
        line = {round(point.value, 5) for point in events[name].Scalars("watch_start/uniform")}
        assert line == {round(math.log(27), 5)}
        first, uniform = map(float, re.findall(r"\d\.\d{4}", text(events[name], "setup/start")))
        assert uniform == pytest.approx(math.log(27), abs=1e-4)
        assert first == pytest.approx(uniform, abs=0.02)


def test_a_ratio_is_the_updates_spread_by_the_weights(trainer, tmp_path):
    data = NamesDataModule(max_words=500, batch_size=64)
    model = MLP(data.vocabulary.characters)
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer(max_steps=1, log_every_n_steps=1, callbacks=tensorboard(),
            limit_val_batches=0, logger=TensorBoardLogger(tmp_path)).fit(model, data)  # fmt: skip
    events = events_of(tmp_path / "lightning_logs" / "version_0")
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters()))
    assert events.Scalars("optimizer/gradient_norm")[0].value == pytest.approx(norm, rel=1e-5)
    assert events.Scalars("optimizer/lr")[0].value == pytest.approx(0.1)
    weight = model.hidden.weight
    ratio = (0.1 * weight.grad).std() / before["hidden.weight"].std()
    found = events.Scalars("update_ratio/hidden.weight")[0].value
    assert found == pytest.approx(math.log10(ratio), abs=1e-3)


def test_each_run_has_the_pictures_that_apply(events):
    assert set(events["mlp"].Tags()["images"]) == PICTURES
    assert set(events["bigram"].Tags()["images"]) == PICTURES
    assert set(events["bigram_counts"].Tags()["images"]) == PICTURES - {"watch/embedding"}
    for found in events.values():
        for tag in found.Tags()["images"]:
            drawn = picture(found.Images(tag)[-1])
            assert 0.01 < (drawn.min(axis=2) < 250).mean() < 0.99, tag
    steps = [image.step for image in events["mlp"].Images("watch/embedding")]
    assert steps == [0, 13, 25]
    moved = [image.encoded_image_string for image in events["mlp"].Images("watch/embedding")]
    assert len(set(moved)) == 3


def test_the_heat_map_is_the_models(runs):
    model = checkpoints.load_model(runs["bigram_counts"] / "checkpoints" / "last.ckpt")
    counts = model.counts_of(torch.arange(27)).numpy()
    train = NamesDataModule(max_words=2000, block_size=1).splits["train"]
    expected = np.zeros((27, 27), dtype=int)
    tokens = train.tokens.long().numpy()
    np.add.at(expected, (tokens[:-1], tokens[1:]), 1)
    assert (counts == expected).all()

    bigram = checkpoints.load_model(runs["bigram"] / "checkpoints" / "last.ckpt")
    with torch.no_grad():
        assert bigram_shares(bigram, torch.arange(27)) == pytest.approx(
            bigram.logits.weight.softmax(-1).numpy(), abs=1e-6
        )
        mlp = checkpoints.load_model(runs["mlp"] / "checkpoints" / "last.ckpt")
        shares = bigram_shares(mlp, torch.arange(27))
        after_a = mlp(torch.tensor([[0, 0, 1]])).softmax(-1)[0].numpy()
        first = mlp(torch.tensor([[0, 0, 0]])).softmax(-1)[0].numpy()
    assert shares[1] == pytest.approx(after_a, abs=1e-6)
    assert shares[0] == pytest.approx(first, abs=1e-6)


def test_a_cell_says_what_the_model_has_counted_or_thinks_likely(runs, written):
    words = NamesDataModule(max_words=2000).splits["train"]
    text = "." + "".join(f"{word}." for word in words)
    for i, one in enumerate("." + words.vocabulary.characters):
        for j, other in enumerate("." + words.vocabulary.characters):
            times = sum(text.startswith(one + other, at) for at in range(len(text)))
            assert written["bigram_counts"][i, j] == str(times)
    for name in ("mlp", "bigram"):
        model = checkpoints.load_model(runs[name] / "checkpoints" / "last.ckpt")
        with torch.no_grad():
            shares = bigram_shares(model, torch.arange(27))
        for (i, j), share in np.ndenumerate(shares):
            assert float(written[name][i, j]) == pytest.approx(100 * share, abs=0.051)
        assert sum(float(written[name][1, j]) for j in range(27)) == pytest.approx(100, abs=1.4)


def test_the_characters_losses_are_the_loss_in_every_view():
    corpus = Corpus.of(["emma", "olivia", "ava", "mia", "al"])
    model = MLP(corpus.vocabulary.characters, block_size=1).eval()

    class WholeWords(MLP):
        views = ("words",)

        def forward(self, x):  # (B, T) → (B, T, V)
            return super().forward(x.flatten()[:, None]).unflatten(0, x.shape)

    words = WholeWords(corpus.vocabulary.characters, block_size=1).eval()
    words.load_state_dict(model.state_dict())
    with torch.no_grad():
        found = [
            character_losses(of, [view[torch.arange(len(view))]], 10**6)
            for of, view in (
                (model, Windows(corpus, 1)), (model, Counts(corpus, 1)), (words, Words(corpus))
            )
        ]  # fmt: skip
        batch = Windows(corpus, 1)[torch.arange(corpus.num_examples)]
        total = float(total_nll(model(batch.x), batch))
    for nll, times in found:
        assert nll.sum(1).tolist() == pytest.approx([total] * 2, rel=1e-5)
        assert times.sum(1).tolist() == [corpus.num_examples] * 2
        assert torch.allclose(nll, found[0][0], rtol=1e-4)
        assert (times == found[0][1]).all()


def test_samples_are_sorted_and_their_shares_add_up(events):
    for found in events.values():
        head = text(found, "samples").splitlines()[0]
        assert all(f" {sort} (" in head for sort in ("new", "in train", "held out"))
        assert sum(map(int, re.findall(r"(\d+)%", head))) == pytest.approx(100, abs=2)


def test_the_run_tells_what_it_is(events, runs):
    for name, found in events.items():
        shown = yaml.safe_load(text(found, "setup/config"))
        recorded = yaml.safe_load((runs[name] / "config.yaml").read_text())
        assert shown["model"]["class_path"] == recorded["model"]["class_path"]
        assert shown["data"]["init_args"]["max_words"] == 2000
        assert torch.__version__ in text(found, "setup/versions")
    assert "`hidden.weight` | 200 × 30 | 6,000" in text(events["mlp"], "setup/parameters")
    assert "**11,897**" in text(events["mlp"], "setup/parameters")


def test_histograms_of_weights_gradients_and_activations(events):
    tags = set(events["mlp"].Tags()["histograms"])
    parameters = ["embedding.weight"]
    parameters += [
        f"{layer}.{kind}" for layer in ("hidden", "output") for kind in ("weight", "bias")
    ]
    expected = {f"watch_{what}/{name}" for what in ("weights", "gradients") for name in PARAMETERS}
    assert tags == expected | {"watch_activations/activation"}
    last = events["mlp"].Histograms("watch_weights/hidden.weight")[-1]
    assert last.step == STEPS
    assert last.histogram_value.num == 6000
    activations = events["mlp"].Histograms("watch_activations/activation")[-1].histogram_value
    assert -1 <= activations.min < 0 < activations.max <= 1
    assert set(events["bigram_counts"].Tags()["histograms"]) == set()


def test_the_projector_has_the_trained_embedding_and_its_labels(runs):
    run = runs["mlp"]
    model = checkpoints.load_model(run / "checkpoints" / "last.ckpt")
    config = (run / "projector_config.pbtxt").read_text()
    assert '"projector/embedding.tsv"' in config
    rows = np.loadtxt(run / "projector" / "embedding.tsv", delimiter="\t")
    assert rows == pytest.approx(model.embedding.weight.detach().numpy(), abs=1e-4)
    with Image.open(run / "projector" / "characters.png") as discs:
        assert discs.size == (6 * 64, 6 * 64)  # 27 of them
        opaque = np.asarray(discs)
    assert 'image_path: "projector/characters.png"' in config
    assert re.findall(r"single_image_dim: (\d+)", config) == ["64", "64"]
    middle = [opaque[12 + 64 * (i // 6), 32 + 64 * (i % 6)].tolist() for i in range(28)]
    colours = {"boundary": (31, 36, 48), "vowel": (209, 73, 91), "consonant": (46, 111, 149)}
    for character, pixel in zip("." + model.vocabulary.characters, middle, strict=False):
        named = "boundary" if character == "." else kind(character)
        assert pixel == [*colours[named], 255], character
    assert middle[27][3] == 0
    with (run / "projector" / "characters.tsv").open(encoding="utf-8") as file:
        labels = list(csv.DictReader(file, delimiter="\t"))
    assert "".join(row["character"] for row in labels) == "." + model.vocabulary.characters
    assert [row["kind"] for row in labels[:3]] == ["boundary", "vowel", "consonant"]
    train = NamesDataModule(max_words=2000).splits["train"]
    assert int(labels[1]["frequency"]) == "".join(train).count("a")
    assert int(labels[0]["frequency"]) == len(train)


def test_the_settings_stand_beside_the_results(events):
    for name, found in events.items():
        metadata = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        settings = HParamsPluginData.FromString(metadata).session_start_info.hparams
        assert settings["Batch size"].number_value == 512
        assert not any("instantiator" in key or "vocabulary" in key for key in settings)
        losses = [point.value for point in found.Scalars("val/loss")]
        best = [point.value for point in found.Scalars("results/best_val_loss")]
        assert best[-1] == pytest.approx(min(losses))
        assert best == sorted(best, reverse=True)
        seconds = [point.value for point in found.Scalars("results/wall_seconds")]
        assert seconds == sorted(seconds)
        assert seconds[0] == 0 < seconds[-1]
        first = ["Batch size", "Data", *["Learning rate"] * (name != "bigram_counts"), "Model",
                 "Parameters"]  # fmt: skip
        assert sorted(settings)[: len(first)] == first
        assert settings["Data"].string_value == "Names"
        assert "hp_metric" not in found.Tags()["scalars"]
        if name == "mlp":
            assert settings["Model"].string_value == "MLP"
            assert settings["model/hidden_dim"].number_value == 200
            assert settings["optimizer"].string_value == "MuonAdamW"
            assert settings["Learning rate"].number_value == pytest.approx(0.07)
            assert settings["Parameters"].number_value == 11897


def test_the_charts_are_laid_out_once(events):
    for found in events.values():
        assert "custom_scalars__config__" in found.Tags()["tensors"]
        (layout,) = found.Tensors("custom_scalars__config__")
        assert b"^results/test_loss$" in layout.tensor_proto.string_val[0]


def test_a_run_stays_small(runs):
    for run in runs.values():
        assert sum(path.stat().st_size for path in run.glob("events*")) < 3_000_000


def test_the_csv_table_says_the_same(runs, events):
    with (runs["mlp"] / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = {(int(row["step"]), row["metric"]): float(row["value"]) for row in rows}
    for tag in ("train/loss", "val/loss", "watch_optimizer/gradient_norm"):
        points, metric = events["mlp"].Scalars(tag), tag.removeprefix("watch_")
        assert {step for step, name in table if name == metric} == {point.step for point in points}
        for point in points:
            assert table[point.step, metric] == pytest.approx(point.value)


# Going on, switching off, other models


def test_a_run_that_goes_on_shows_nothing_twice(tmp_path):
    run = fit(tmp_path, "mlp", "--trainer.callbacks+=litmore.callbacks.MetricsCSV", steps=20)
    last = str(run / "checkpoints" / "last.ckpt")
    checkpoint = torch.load(last, weights_only=True)
    assert main(["fit", "--ckpt_path", last, "--trainer.max_steps", "30"]) == 0
    # A run that broke off: it had gone on beyond what its last checkpoint holds.
    torch.save(checkpoint, last)
    assert main(["fit", "--ckpt_path", last, "--trainer.max_steps", "30"]) == 0
    events = events_of(run)
    for tag in (
        "train/loss",
        "val/loss",
        "watch_optimizer/lr",
        "results/best_val_loss",
        "results/wall_seconds",
    ):
        steps = [point.step for point in events.Scalars(tag)]
        assert steps == sorted(set(steps)), tag
    assert [p.step for p in events.Scalars("train/loss")] == [4, 9, 14, 19, 24, 29]
    for tag in ("watch/embedding", "watch/bigram"):
        steps = [image.step for image in events.Images(tag)]
        assert steps == sorted(set(steps)), tag
        assert steps[-1] == 30
    with (run / "metrics.csv").open() as file:
        rows = [(row["step"], row["metric"]) for row in csv.DictReader(file)]
    for tag in ("train/loss", "optimizer/lr", "val/loss"):
        steps = [int(step) for step, name in rows if name == tag]
        assert steps == sorted(set(steps)), tag


def test_one_flag_switches_a_part_off(tmp_path):
    parts = ("stats", "heat_map", "embedding", "difficulty", "samples", "histograms", "projector",
             "text", "hparams")  # fmt: skip
    off = [f"--tensorboard.{part}=false" for part in parts]
    run = fit(tmp_path, "mlp", *off, steps=2)
    tags = events_of(run).Tags()
    assert tags["images"] == tags["histograms"] == []
    assert all(t.startswith(("train/", "val/")) for t in tags["scalars"] if t != "watch_epoch")
    assert not (run / "projector_config.pbtxt").exists()


def test_there_is_a_flag_for_each_file(tmp_path):
    """None is listed anywhere: a file more or less in the folder is a part more or less."""
    files = {path.stem for path in Path(parts.__file__).parent.glob("*.py")} - {"__init__"}
    assert {part.__module__.rpartition(".")[2] for part in part_classes()} == files
    for part in part_classes():
        assert getattr(callbacks, part.__name__) is part
        assert part.__name__ in callbacks.__all__
    with pytest.raises(AttributeError, match="NoSuch"):
        _ = callbacks.NoSuch
    with pytest.raises(InputError, match=r"--tensorboard\.sample: no such part"):
        tensorboard(sample=False)


def test_what_a_user_names_replaces_the_part_that_is_there_by_default(tmp_path):
    own = ["--trainer.callbacks+=litmore.callbacks.HeatMap", "--trainer.callbacks.every_n_steps=2"]
    run = fit(tmp_path, "bigram", *own, steps=5)
    assert [image.step for image in events_of(run).Images("watch/bigram")] == [0, 2, 4, 5]


def test_pictures_come_as_often_as_asked(tmp_path):
    run = fit(tmp_path, "bigram", "--tensorboard.every_n_steps", "3", steps=7)
    events = events_of(run)
    for tag in ("watch/bigram", "watch/embedding", "watch/difficulty"):
        assert [image.step for image in events.Images(tag)] == [0, 3, 6, 7]


class GRU(CharLM):
    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 8):
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.dropout = nn.Dropout(0.5)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x):
        return self.output(self.recurrent(self.dropout(self.embedding(x)))[0])

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.01)


@pytest.mark.parametrize("words", [["ä b", "<b>*|`_\\", "中文", "Ωα"], ["a"]], ids=["any", "one"])
def test_watching_changes_no_training_and_takes_any_alphabet(trainer, tmp_path, word_file, words):
    path = word_file(words * 10)

    def trained(**flags):
        torch.manual_seed(1)
        data = NamesDataModule(path, view="words", batch_size=8)
        model = GRU(data.vocabulary.characters)
        trainer(max_steps=6, log_every_n_steps=1, limit_val_batches=0, **flags).fit(model, data)
        return model

    watched = trained(callbacks=tensorboard(every_n_steps=2), logger=TensorBoardLogger(tmp_path))
    alone = trained()
    for one, other in zip(watched.parameters(), alone.parameters(), strict=True):
        assert (one == other).all()
    events = events_of(tmp_path / "lightning_logs" / "version_0")
    assert set(events.Tags()["images"]) == PICTURES


class Plain(LightningModule):
    """A model that is none of characters."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(2, 1), nn.Tanh())

    def training_step(self, batch, batch_idx):
        return self.layer(batch).square().mean()

    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_a_model_of_something_else_shows_what_applies(trainer, tmp_path, recwarn):
    trainer(max_steps=4, log_every_n_steps=2, logger=TensorBoardLogger(tmp_path),
            callbacks=tensorboard()).fit(Plain())  # fmt: skip
    tags = events_of(tmp_path / "lightning_logs" / "version_0").Tags()
    assert "optimizer/gradient_norm" in tags["scalars"]
    assert "watch_weights/layer.0.weight" in tags["histograms"]
    assert tags["images"] == []


@pytest.mark.parametrize("logger", ["csv", False])
def test_another_logger_gets_numbers_alone(trainer, tmp_path, logger):
    data = NamesDataModule(max_words=200, block_size=1, batch_size=64)
    model = CountBigram(data.vocabulary.characters)
    trainer(max_epochs=1, callbacks=tensorboard(), log_every_n_steps=1,
            logger=logger and CSVLogger(tmp_path)).fit(model, data)  # fmt: skip
    assert not list(tmp_path.rglob("events*"))


def test_a_model_gone_astray_is_not_drawn(trainer, tmp_path):
    data = NamesDataModule(max_words=200, batch_size=64)
    model = MLP(data.vocabulary.characters)
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=1e30)
    trainer(max_steps=6, log_every_n_steps=1, callbacks=tensorboard(every_n_steps=1),
            logger=TensorBoardLogger(tmp_path)).fit(model, data)  # fmt: skip
    events = events_of(tmp_path / "lightning_logs" / "version_0")
    assert events.Images("watch/embedding")[0].step == 0


class Counting(Drawing):
    def __init__(self, every_n_steps=None):
        super().__init__(every_n_steps)
        self.at = []

    def draw(self, trainer, pl_module, writer, step):
        self.at.append(step)


@pytest.mark.parametrize(
    ("every", "limits", "expected"),
    [
        (None, {"max_steps": 20}, [0, 10, 20]),
        (0, {"max_steps": 20}, [20]),
        (7, {"max_steps": 20}, [0, 7, 14, 20]),
        (None, {"max_epochs": 1, "limit_train_batches": 3}, [0, 2, 3]),
        (3, {"max_steps": 4, "accumulate_grad_batches": 2}, [0, 3, 4]),
    ],
)
def test_when_a_callback_of_ones_own_draws(trainer, tmp_path, every, limits, expected):
    drawing = Counting(every)
    data = NamesDataModule(max_words=500, batch_size=64)
    model = MLP(data.vocabulary.characters)
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.1)
    trainer(callbacks=[drawing], logger=TensorBoardLogger(tmp_path), limit_val_batches=0,
            log_every_n_steps=1, **limits).fit(model, data)  # fmt: skip
    assert drawing.at == expected


class Broken(Drawing):
    def __init__(self, every_n_steps=1):
        super().__init__(every_n_steps)
        self.tried = 0

    def draw(self, trainer, pl_module, writer, step):
        self.tried += 1
        raise ZeroDivisionError("a picture\nof nothing")


def test_a_picture_that_fails_ends_no_run(trainer, tmp_path, caplog, monkeypatch):
    def fails(*_):
        raise KeyError("statistics")

    monkeypatch.setattr("litmore.watch.parts.training_stats.activations", fails)
    broken, counting = Broken(), Counting(1)
    data = NamesDataModule(max_words=500, batch_size=64)
    model = MLP(data.vocabulary.characters)
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.1)
    trainer(callbacks=[broken, *tensorboard(every_n_steps=1), counting], max_steps=4,
            log_every_n_steps=1, logger=TensorBoardLogger(tmp_path)).fit(model, data)  # fmt: skip
    assert model.trainer.global_step == 4
    assert model.training
    assert counting.at == [0, 1, 2, 3, 4]
    assert broken.tried == 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "Broken: no more of it (ZeroDivisionError: a picture of nothing); training goes on",
        "TrainingStats: no more of it (KeyError: 'statistics'); training goes on",
    ]


def test_a_run_goes_on_without_a_part_that_has_been_deleted(tmp_path, monkeypatch):
    run = fit(tmp_path, "bigram", steps=2)
    left = tuple(part for part in part_classes() if part.flag != "heat_map")
    monkeypatch.setattr("litmore.watch.tensorboard.part_classes", lambda: left)
    last = str(run / "checkpoints" / "last.ckpt")
    assert main(["fit", "--ckpt_path", last, "--trainer.max_steps", "4"]) == 0
    assert "heat_map" not in yaml.safe_load((run / "config.yaml").read_text())["tensorboard"]
    assert main(["fit", "--ckpt_path", last, "--tensorboard.heat_map=true"]) == 2
