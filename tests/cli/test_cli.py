"""The command line, in process: real files, real runs, exit codes and both streams."""

import csv
import io
import math
import re
from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from litmore.cli import main
from litmore.data import Corpus, NamesDataModule
from litmore.models import MLP

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
MLP_CONFIG = str(ROOT / "configs" / "mlp.yaml")
QUICK = [
    "--data.batch_size",
    "512",
    "--trainer.accelerator",
    "cpu",
    "--tensorboard.every_n_steps=0",
]
QUICK += ["--tensorboard.heat_map=false", "--tensorboard.difficulty=false"]  # the dearest pictures

TOWNS = ["Αθήνα", "Θεσσαλονίκη", "Πάτρα", "Ηράκλειο", "Λάρισα", "Βόλος", "Ιωάννινα", "Χανιά"]


class Outcome:
    """What a command left: its exit code and both streams."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def metrics(self):
        rows = re.findall(r"^(\w+/\w+) +(\S+)$", self.out, re.MULTILINE)
        return {name: float(value) for name, value in rows}


@pytest.fixture
def run(command_line):
    """Run a command line in an empty folder."""
    return lambda *args: Outcome(*command_line(*args))


@pytest.fixture
def fit(run):
    """Train a few steps of a shipped config."""

    def fit(*args, config="mlp", steps=60):
        return run(
            "fit", "--config", ROOT / "configs" / f"{config}.yaml", *QUICK,
            "--trainer.max_steps", steps, *args,
        )  # fmt: skip

    return fit


@pytest.fixture
def towns(tmp_path):
    path = tmp_path / "towns.txt"
    path.write_text("\n".join(TOWNS * 5), encoding="utf-8")
    return path


# fit


def test_counts_without_smoothing_may_be_infinitely_wrong(run, word_file):
    path = word_file([*["anna"] * 9, "nana", "zoe"])  # zoe in val or test alone
    config = ROOT / "configs" / "bigram_counts.yaml"
    split = ["--data.path", path, "--data.split", "[0.5,0.5,0]", "--data.split_seed", 3]
    done = run("fit", "--config", config, *split, "--model.smoothing", 0)
    assert (done.code, done.metrics["val/loss"]) == (0, math.inf)
    assert Path("logs/bigram_counts/version_0/checkpoints/last.ckpt").is_file()


def test_fit_tells_the_result_on_stdout_and_the_rest_on_stderr(fit):
    done = fit()
    assert done.code == 0
    assert list(done.metrics) == [
        "val/loss", "val/perplexity", "val/bits_per_char", "val/accuracy",
    ]  # fmt: skip
    assert done.metrics["val/loss"] < math.log(27)
    names = done.out.split("\n\n")[1].splitlines()
    assert len(names) == 10
    assert "25,805 / 3,226 / 3,226 words" in done.err
    assert "408 of the 3,226 val words also stand in train" in done.err
    assert "python main.py sample --ckpt_path logs/mlp/version_0/checkpoints/best.ckpt" in done.err
    assert "Warning" not in done.err
    assert "Tip" not in done.err


def test_a_run_folder_holds_what_the_run_was(fit):
    fit()
    folder = Path("logs/mlp/version_0")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    events = {name for name in files if name.startswith("events.out.tfevents")}
    assert len(events) == 1
    assert files - events == {
        "config.yaml", "hparams.yaml", "summary.json", "versions.yaml",
        "checkpoints/best.ckpt", "checkpoints/last.ckpt", "projector_config.pbtxt",
        "projector/characters.png", "projector/embedding.tsv", "projector/characters.tsv",
    }  # fmt: skip
    versions = yaml.safe_load((folder / "versions.yaml").read_text())
    assert set(versions) == {
        "litmore",
        "torch",
        "lightning",
        "python",
        "git_commit",
        "job",
        "command",
    }
    assert yaml.safe_load((folder / "hparams.yaml").read_text())["hidden_dim"] == 200
    assert yaml.safe_load((folder / "config.yaml").read_text())["trainer"]["max_steps"] == 60


def test_tensorboard_gets_the_named_metrics_and_no_placeholder(fit):
    fit("--trainer.log_every_n_steps", 10)
    events = EventAccumulator("logs/mlp/version_0").Reload()
    tags = set(events.Tags()["scalars"])
    for stage in ("train", "val"):
        for name in ("loss", "perplexity", "bits_per_char", "accuracy"):
            assert f"{stage}/{name}" in tags
    assert "hp_metric" not in tags
    assert len(events.Scalars("train/loss")) == 6
    loss = events.Scalars("val/loss")[-1].value
    assert events.Scalars("val/perplexity")[-1].value == pytest.approx(math.exp(loss), rel=1e-5)
    assert events.Scalars("val/bits_per_char")[-1].value == pytest.approx(loss / math.log(2))


def test_runs_get_folders_of_their_own(fit):
    fit(steps=1)
    fit(steps=1)
    fit("--run_name", "mine", steps=1)
    assert {str(path.parent) for path in Path().rglob("config.yaml")} == {
        "logs/mlp/version_0", "logs/mlp/version_1", "logs/mine/version_0",
    }  # fmt: skip


def test_the_same_seed_trains_the_same_model(fit):
    first, second = fit(steps=20), fit(steps=20)
    other = fit("--seed_everything", 7, steps=20)
    assert first.out == second.out
    assert first.out != other.out


@pytest.mark.parametrize("steps", [1, 100, pytest.param(359, marks=pytest.mark.torture), 360])
def test_the_last_step_is_validated_and_saved_wherever_it_falls(fit, steps):
    # An epoch is 359 batches.
    windows = ["--data.view=windows", "--trainer.val_check_interval=1.0"]
    done = fit(*windows, "--trainer.check_val_every_n_epoch=1", steps=steps)
    checkpoint = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == steps
    events = EventAccumulator("logs/mlp/version_0").Reload()
    assert len(events.Scalars("val/loss")) == (2 if steps == 360 else 1)
    assert done.metrics["val/loss"] == pytest.approx(events.Scalars("val/loss")[-1].value, abs=1e-4)


def test_a_flag_changes_the_length_of_the_schedule_too(fit):
    fit("--trainer.log_every_n_steps", 1, steps=7)
    checkpoint = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["lr_schedulers"][0]["total_steps"] == 7
    assert checkpoint["lr_schedulers"][0]["last_epoch"] == 7  # it stepped at every step


def test_fast_dev_run_leaves_nothing(fit):
    assert fit("--trainer.fast_dev_run", "true").code == 0
    assert not Path("logs").exists()


def test_a_run_without_validation_is_saved(fit):
    done = fit("--data.split", "[1,0,0]", "--trainer.log_every_n_steps", 10)
    assert done.code == 0
    assert "train/loss" in done.metrics
    assert Path("logs/mlp/version_0/checkpoints/last.ckpt").is_file()


def test_a_run_without_logger_is_saved(fit):
    assert fit("--trainer.logger", "false", steps=2).code == 0
    assert Path("logs/mlp/version_0/checkpoints/last.ckpt").is_file()


# Configs


def test_points_are_trained_on_and_are_no_names(run):
    config = ROOT / "configs" / "micrograd.yaml"
    assert run("fit", "--config", config, *QUICK, "--trainer.max_steps", 3).code == 0
    assert run("sample", "--ckpt_path", "last", "--num_samples", "3").code == 2


@pytest.mark.parametrize(
    "config",
    [path for path in sorted((ROOT / "configs").rglob("*.yaml")) if path.parent.name != "sweep"],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_every_shipped_yaml_is_a_config(run, config):
    overlay = config.parent.name in ("trainer", "data")
    with pytest.raises(SystemExit) as stop:
        run("fit", *(["--config", MLP_CONFIG] if overlay else []), "--config", config,
            "--print_config")  # fmt: skip
    assert stop.value.code in (0, None)


def test_the_count_bigram_reaches_its_loss(run):
    done = run("fit", "--config", ROOT / "configs" / "bigram_counts.yaml")
    assert 2.45 <= done.metrics["val/loss"] <= 2.475
    assert "train/loss" in done.err


def test_a_later_config_and_flags_win(run):
    Path("wide.yaml").write_text("model: {init_args: {hidden_dim: 7}}\ntrainer: {max_steps: 2}\n")
    done = run("fit", "--config", MLP_CONFIG, "--config", "wide.yaml", *QUICK,
               "--model.embedding_dim", 3)  # fmt: skip
    assert done.code == 0
    config = yaml.safe_load(Path("logs/mlp/version_0/config.yaml").read_text())
    assert config["model"]["init_args"]["hidden_dim"] == 7
    assert config["model"]["init_args"]["embedding_dim"] == 3


def test_a_run_can_be_repeated_from_its_own_config(fit, run):
    first = fit(steps=20)
    second = run("fit", "--config", "logs/mlp/version_0/config.yaml")
    assert second.out == first.out
    assert Path("logs/mlp/version_1").is_dir()


# Evaluating


def test_a_checkpoint_alone_is_enough_to_evaluate(fit, run, tmp_path, monkeypatch):
    trained = fit("--data.split_seed", 3, "--data.block_size", 4)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alone = (tmp_path / "logs/mlp/version_0/checkpoints/last.ckpt").rename(elsewhere / "a.ckpt")
    monkeypatch.chdir(elsewhere)
    judged = run("validate", "--ckpt_path", alone)
    assert judged.metrics == trained.metrics
    assert run("test", "--ckpt_path", alone).metrics["test/loss"] > 0
    assert len(run("sample", "--ckpt_path", alone, "--num_samples", 4).out.splitlines()) == 4
    assert list(elsewhere.iterdir()) == [alone]  # no run is opened


def test_flags_win_over_what_the_run_recorded(fit, run):
    trained = fit()
    other_split = run("validate", "--ckpt_path", "last", "--data.split_seed", "7")
    assert other_split.metrics["val/loss"] != trained.metrics["val/loss"]


def test_another_corpus_is_judged_with_the_checkpoints_vocabulary(fit, run, tmp_path):
    fit()
    few = tmp_path / "few.txt"
    few.write_text("\n".join(["zoe", "max", "zoe", "max"] * 5))  # 5 letters, other ids of its own
    args = ["--ckpt_path", "last", "--data.path", few]
    judged = run("validate", *args)
    model = MLP.load_from_checkpoint("logs/mlp/version_0/checkpoints/last.ckpt").eval()
    model.requires_grad_(False)
    data = NamesDataModule(str(few), vocabulary=model.hparams.vocabulary)
    ((x, y),) = data.val_dataloader()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    assert judged.metrics["val/loss"] == pytest.approx(float(loss), abs=1e-4)


def test_a_config_given_to_judge_by_may_say_how_to_train(fit, run):
    trained = fit(steps=3)
    fit("--data.split_seed", 1, config="bigram", steps=3)
    judged = run("validate", "--ckpt_path", "last", "--config", MLP_CONFIG)
    assert judged.metrics == trained.metrics  # the newest run of that name


def test_best_and_last_are_the_newest_runs(fit, run):
    fit(steps=3)
    newest = fit(steps=5)
    assert run("validate", "--ckpt_path", "last").metrics == newest.metrics
    assert run("validate", "--ckpt_path", "best").metrics == newest.metrics


def test_the_newest_run_alone_is_meant(fit, run):
    fit(steps=3)
    assert fit("--trainer.overfit_batches", 1, steps=3).code == 0
    none = run("test", "--ckpt_path", "best")
    assert none.code == 2
    assert "version_1, has none" in none.err
    assert "version_1/checkpoints/last.ckpt" in run("validate", "--ckpt_path", "last").err


@pytest.mark.parametrize("flags", [["--trainer.log_every_n_steps", 0], ["--seed_everything", 0]])
def test_zero_is_a_setting(fit, flags):
    assert fit(*flags, steps=3).code == 0


def test_best_is_the_lowest_validation_loss(fit):
    fit("--trainer.val_check_interval", 20, "--optimizer.lr", 2.0, "--lr_scheduler=null", steps=200)
    best = torch.load("logs/mlp/version_0/checkpoints/best.ckpt", weights_only=True)
    events = EventAccumulator("logs/mlp/version_0").Reload()
    losses = {event.step + 1: event.value for event in events.Scalars("val/loss")}
    assert best["global_step"] == min(losses, key=losses.get)


def test_predict_writes_a_row_a_word(fit, run):
    fit()
    Path("words.txt").write_text("emma\nandrejq\nzzz\n")
    done = run("predict", "--ckpt_path", "last", "--data.predict_path", "words.txt")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["word"] for row in rows] == ["emma", "andrejq", "zzz"]
    model = MLP.load_from_checkpoint("logs/mlp/version_0/checkpoints/last.ckpt").eval()
    model.requires_grad_(False)
    for row in rows:
        tokens = [0, 0, 0, *model.vocabulary.encode(row["word"]), 0]
        nll = 0.0
        for at in range(3, len(tokens)):
            logits = model(torch.tensor([tokens[at - 3 : at]]))
            nll -= float(logits.log_softmax(-1)[0, tokens[at]])
        assert float(row["nll"]) == pytest.approx(nll, abs=1e-4)
        chars = len(row["word"]) + 1
        assert float(row["nll_per_char"]) == pytest.approx(nll / chars, abs=1e-5)


# Resuming


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


@pytest.mark.parametrize("stop", [30, 44, 50])  # an epoch is 22 batches
def test_a_stopped_run_goes_on_where_it_was(fit, run, stop):
    fixed = ["--lr_scheduler=null", "--optimizer.lr", "0.01"]
    fit(*fixed, steps=70)
    fit(*fixed, steps=stop)
    again = run("fit", "--ckpt_path", "last", "--trainer.max_steps", "70")
    assert again.code == 0
    assert not Path("logs/mlp/version_2").exists()
    whole = weights("logs/mlp/version_0/checkpoints/last.ckpt")
    resumed = weights("logs/mlp/version_1/checkpoints/last.ckpt")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_flags_win_over_the_state_of_optimizer_and_schedule(fit, run):
    fit("--optimizer.lr", 0.01, "--lr_scheduler=null", steps=5)
    assert (
        run("fit", "--ckpt_path", "last", "--trainer.max_steps", 9, "--optimizer.lr", 0.5).code == 0
    )
    resumed = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    assert resumed["optimizer_states"][0]["param_groups"][0]["lr"] == 0.5
    fit(steps=5)
    assert run("fit", "--ckpt_path", "last", "--trainer.max_steps", 9).code == 0
    resumed = torch.load("logs/mlp/version_1/checkpoints/last.ckpt", weights_only=True)
    assert resumed["lr_schedulers"][0]["total_steps"] == 9
    assert resumed["lr_schedulers"][0]["last_epoch"] == 9


def test_a_finished_run_says_that_nothing_is_left(fit, run):
    fit(steps=3)
    again = run("fit", "--ckpt_path", "last")
    assert (again.code, again.out) == (0, "")
    assert "Nothing left to train: the run is at step 3" in again.err


def test_a_resume_that_fits_not_leaves_the_run_as_it_was(fit, run):
    fit(steps=3)
    config = Path("logs/mlp/version_0/config.yaml")
    before = config.read_text()
    refused = run("fit", "--ckpt_path", "last", "--model.hidden_dim", 50)
    assert refused.code == 2
    assert refused.err.splitlines()[-1].startswith("error: --ckpt_path")
    assert "hidden.bias is (200,) there and (50,) here" in refused.err
    assert config.read_text() == before
    assert len(list(config.parent.glob("events*"))) == 1


def test_a_resumed_run_logs_on_at_the_next_step(fit, run):
    fit("--trainer.log_every_n_steps", 1, steps=25)
    run("fit", "--ckpt_path", "last", "--trainer.max_steps", 40)
    events = EventAccumulator("logs/mlp/version_0").Reload()
    assert [event.step for event in events.Scalars("train/loss")] == list(range(40))


def test_a_loss_that_is_no_number_ends_with_one(fit):
    done = fit("--optimizer=AdamW", "--optimizer.lr=1e30", "--lr_scheduler=null", steps=20)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert re.match(r"error: step \d+: the loss is not finite but (nan|inf), at .* 1e\+30", line)


def test_going_on_from_best_is_a_new_run(fit, run):
    fit(steps=3)
    assert run("fit", "--ckpt_path", "best", "--trainer.max_steps", "5").code == 0
    assert Path("logs/mlp/version_1/checkpoints/last.ckpt").is_file()
    old = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    assert old["global_step"] == 3


# Sampling


def test_the_same_seed_samples_the_same_names(fit, run):
    fit()
    args = ["sample", "--ckpt_path", "last", "--num_samples", "50", "--prompt", "em"]
    first, second = run(*args, "--seed", "7"), run(*args, "--seed", "7")
    assert first.out == second.out
    assert first.out != run(*args, "--seed", "8").out
    names = first.out.splitlines()
    assert len(names) == 50
    assert all(name.startswith("em") for name in names)
    words = set(Corpus.read(NamesDataModule().path))
    new = sum(name not in words for name in names) / len(names)
    assert f"{new:.1%} of the 50 names are new" in first.err


def test_sampling_without_the_corpus_says_so(fit, run, towns):
    fit("--data.path", towns, steps=2)
    towns.unlink()
    done = run("sample", "--ckpt_path", "last", "--num_samples", "3")
    assert done.code == 0
    assert len(done.out.splitlines()) == 3
    assert "not here" in done.err


# Any alphabet


def test_the_five_commands_on_another_alphabet(fit, run, towns):
    trained = fit("--data.path", towns, "--data.unique", "true", steps=30)
    assert trained.code == 0
    assert run("validate", "--ckpt_path", "last").metrics == trained.metrics
    assert run("test", "--ckpt_path", "best").code == 0
    Path("one.txt").write_text("Θάνα\n", encoding="utf-8")
    rows = run("predict", "--ckpt_path", "last", "--data.predict_path", "one.txt").out
    assert rows.splitlines()[1].startswith("Θάνα,")
    names = run("sample", "--ckpt_path", "last", "--num_samples", "9", "--prompt", "Θ").out
    assert all(name[0] == "Θ" for name in names.splitlines())
    assert set(names) <= set("".join(TOWNS) + "\n")


def test_samples_are_printed_as_they_are_asked_for(fit, run):
    done = fit("--print_samples", "--run_name=the first", steps=3)
    assert done.out.startswith("step 3\n")
    drawn = done.out.partition("\n\n")[0]
    assert drawn.count(",") + drawn.count(":") == 10
    assert "new" in drawn
    assert done.out.count("\n\n") == 1  # not a second time below the losses
    assert re.search(r"^3 steps in \d+ s$", done.err, re.M)
    assert re.search(r" --ckpt_path 'logs/the first/.+\.ckpt'$", done.err, re.M)
    again = run("fit", "--ckpt_path=last", "--trainer.max_steps=4", "--print_samples=0")
    assert again.out.startswith("val/loss")
    recorded = ["--config", "logs/the first/version_0/config.yaml"]
    assert run("validate", *recorded, "--ckpt_path", "last").out.startswith("val/loss")
    refused = run("validate", "--ckpt_path", "last", "--print_samples")
    assert (refused.code, refused.err.splitlines()[-1]) == (
        2,
        "error: --print_samples: is for fit, not validate",
    )


@pytest.mark.parametrize("flag", ["--trainer.callbacks+=", "--trainer.callbacks="])
@pytest.mark.parametrize("bar", ["TQDMProgressBar", "RichProgressBar"])
def test_a_bar_of_the_users_own_is_the_only_one(fit, flag, bar):
    if bar == "RichProgressBar":
        pytest.importorskip("rich")
    done = fit(f"{flag}{bar}", steps=2)
    assert done.code == 0, done.err
    assert "step 2/2: " not in done.err  # litmore's


def test_a_checkpoint_callback_of_the_users_own_may_be_there_without_a_run(fit, run):
    keep = ["--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.monitor=val/loss"]
    keep += ["--trainer.callbacks.dirpath=kept"]
    assert fit(*keep, "--trainer.fast_dev_run", "true").code == 0
    assert fit(*keep, steps=2).code == 0
    last = Path("logs/mlp/version_0/checkpoints/last.ckpt")
    done = run("validate", "--ckpt_path", last, *keep)
    assert done.code == 0, done.err


def test_print_config_is_a_config(command_line, here, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["fit", "--config", str(ROOT / "configs" / "mlp.yaml"), "--print_config"])
    out, err = capsys.readouterr()
    assert err == ""
    (here / "printed.yaml").write_text(out)
    small = ["--data.max_words", 200, "--trainer.max_steps", 1]
    assert command_line("fit", "--config", "printed.yaml", *small)[0] == 0
