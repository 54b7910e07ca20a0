"""Runs beside each other: what differs, means over seeds, pairs of seeds, and what is no run."""

import csv
import io
import json
import math
import os
import pty
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from litmore.cli import main
from litmore.compare.columns import columns_of
from litmore.compare.picture import mean_curve
from litmore.compare.rows import choose_metric, rows_of
from litmore.compare.runs import find_runs, settings_of
from litmore.compare.table import display_width, text
from litmore.runs.folder import RunFolder
from litmore.runs.history import Curve
from litmore.runs.summary import Summary, read_summary, write
from litmore.watch.tensorboard import part_classes

ROOT = Path(__file__).parents[2]
LRS, SEEDS = (0.01, 0.05), (1, 2, 3)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """An MLP by two learning rates and three seeds, one judged; and a bigram."""
    folder = tmp_path_factory.mktemp("compare")
    quick = ["--data.max_words=300", "--trainer.accelerator=cpu", "--trainer.max_steps=6",
             "--trainer.val_check_interval=2", "--trainer.log_every_n_steps=1",
             "--trainer.enable_progress_bar=false"]  # fmt: skip
    quick += [f"--tensorboard.{part.flag}=false" for part in part_classes() if part.flag]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        for lr in LRS:
            for seed in SEEDS:
                told = [f"--optimizer.lr={lr}", f"--seed_everything={seed}"]
                mlp = ["--config", str(ROOT / "configs/mlp.yaml")]
                assert main(["fit", *mlp, *told, *quick]) == 0
        bigram = ["--config", str(ROOT / "configs/bigram.yaml")]
        assert main(["fit", *bigram, *quick, "--optimizer.lr=0.05"]) == 0
        best = "logs/mlp/version_0/checkpoints/best.ckpt"
        assert main(["test", "--ckpt_path", best]) == 0
    return folder / "logs"


@pytest.fixture
def here_with(logs, monkeypatch):
    monkeypatch.chdir(logs.parent)


@pytest.fixture
def made(here):
    """Write a run of its own settings and results."""

    numbers = count()

    def write_run(name="mlp", seed=1, best=2.0, **more):
        config = {
            "seed_everything": seed,
            "run_name": name,
            "model": {"class_path": "litmore.models.MLP", "init_args": {"hidden_dim": 64}},
            "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}},
        } | more.pop("config", {})  # fmt: skip
        folder = RunFolder(Path("logs"), name)
        path = folder.claim()
        folder.unlock()
        filled = {
            "status": "finished", "why": None, "monitor": "val/loss", "monitor_mode": "min",
            "best": best, "best_step": 10, "last": {"val/loss": best}, "test": None, "step": 10,
            "seconds": 1.0, "parameters": 100, "started": float(next(numbers)),
            "config": config,
        }  # fmt: skip
        write(path, Summary(**filled | more))
        return path

    return write_run


def said(capsys, *args):
    capsys.readouterr()
    assert main(["compare", *args]) == 0
    return capsys.readouterr()


def as_json(capsys, *args):
    return json.loads(said(capsys, *args, "--json").out)["rows"]


def test_seeds_are_one_row(here_with, capsys):
    low, high, bigram = as_json(capsys)
    for row, first in ((low, 0), (high, 3)):
        found = [read_summary(Path(f"logs/mlp/version_{first + n}")) for n in range(3)]
        best = [summary.best for summary in found]
        expected = {"mean": statistics.mean(best), "std": statistics.stdev(best), "n": 3}
        assert row["best val/loss"] == pytest.approx(expected)
        assert row["seconds"] == pytest.approx(statistics.mean(s.seconds for s in found))
        assert [run["seed"] for run in row["runs"]] == list(SEEDS)
    assert bigram["best val/loss"]["std"] is None
    assert (low["parameters"], bigram["parameters"]) == (11_897, 729)
    assert low["test/loss"]["n"] == 1
    assert low["settings"]["lr"] == 0.01
    # An MLP's own settings are the same in all MLPs.
    assert not {"hidden_dim", "run_name", "max_steps", "momentum"} & low["settings"].keys()
    assert low["settings"]["model"] == "MLP"


def test_seeds_are_paired_with_the_best_rows(here_with, capsys):
    rows = as_json(capsys)[:2]
    best, other = sorted(rows, key=lambda row: row["best val/loss"]["mean"])
    pairs = zip(other["runs"], best["runs"], strict=True)
    apart = [one["best val/loss"] - two["best val/loss"] for one, two in pairs]
    error = statistics.stdev(apart) / math.sqrt(3)
    assert best["difference"] == "best"
    assert other["difference"] == pytest.approx(
        {"mean": statistics.mean(apart), "standard_error": error, "n": 3}
    )


def test_the_table_says_the_same(here_with, capsys):
    shown = said(capsys)
    head, *lines = shown.out.splitlines()
    rows = as_json(capsys)
    assert [line.split()[0] for line in lines] == [
        "mlp/version_0-2", "mlp/version_3-5", "bigram/version_0",
    ]  # fmt: skip
    assert head.split()[:3] == ["run", "model", "lr"]
    best = rows[0]["best val/loss"]
    assert f"{best['mean']:.4f} ± {best['std']:.4f} (3)" in lines[0]
    assert "seed by seed" in shown.err
    assert len({display_width(line) for line in (head, *lines)}) == 1


def test_csv(here_with, capsys, tmp_path):
    path = tmp_path / "runs.csv"
    said(capsys, "--csv", str(path), "--sort", "best")
    lines = list(csv.DictReader(io.StringIO(path.read_text())))
    rows = sorted(as_json(capsys), key=lambda row: row["best val/loss"]["mean"])
    for line, row in zip(lines, rows, strict=True):
        assert float(line["best val/loss"]) == row["best val/loss"]["mean"]
        assert int(line["best val/loss n"]) == row["best val/loss"]["n"]
        assert line["best val/loss std"] == str(row["best val/loss"]["std"] or "")
        assert (line["model"], line["lr"]) == (row["settings"]["model"], str(row["settings"]["lr"]))


@pytest.mark.parametrize("metric", ["val/accuracy", "train/loss", "test/loss"])
def test_other_metrics(here_with, capsys, metric):
    (row, *_) = as_json(capsys, "--metric", metric)
    summaries = [read_summary(Path(f"logs/mlp/version_{n}")) for n in range(3)]
    if metric == "test/loss":
        assert row[metric] == {"mean": summaries[0].test[metric], "std": None, "n": 1}
    else:
        mean = statistics.mean(summary.last[metric] for summary in summaries)
        assert row[f"last {metric}"]["mean"] == pytest.approx(mean)
        assert "best val/loss" not in row


def test_the_highest_accuracy_is_the_best(here_with, capsys):
    rows = as_json(capsys, "--metric", "val/accuracy")
    best = max(rows[:2], key=lambda row: row["last val/accuracy"]["mean"])
    assert best["difference"] == "best"


def test_the_picture(here_with, capsys, tmp_path):
    path = tmp_path / "runs.png"
    said(capsys, "--plot", str(path))
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert pixels.shape == (560, 900, 3)
    colours = {tuple(pixel) for pixel in pixels.reshape(-1, 3)}
    for line in ((31, 119, 180), (255, 127, 14), (44, 160, 44)):  # a row a colour
        assert line in colours
    band = tuple(round(255 - 0.15 * (255 - part)) for part in (31, 119, 180))
    assert any(max(abs(a - b) for a, b in zip(band, c, strict=True)) <= 1 for c in colours)


def test_a_mean_of_curves():
    steps = np.array([0, 10, 20])
    curves = [
        Curve("a", "val/loss", steps, np.array(v)) for v in ([3.0, 2.0, 1.0], [5.0, 2.0, 3.0])
    ]
    curves.append(Curve("a", "val/loss", np.array([5, 10]), np.array([3.0, 2.0])))
    mean = mean_curve(curves)
    assert mean.steps.tolist() == [5, 10]
    assert mean.values.tolist() == [(2.5 + 3.5 + 3) / 3, 2.0]
    assert mean.spread.tolist() == [pytest.approx(statistics.stdev([2.5, 3.5, 3])), 0.0]


# Which runs belong together


def test_what_has_not_finished_is_in_no_mean(made, capsys):
    for seed in (1, 2, 3):
        made(seed=seed, best=2.0 + seed / 10)
    made(seed=4, best=1.0, status="stopped", why="SIGTERM")
    made(seed=5, best=1.0, status="failed", why="step 3: the loss is not finite")
    made(seed=6, best=1.0, status="running")  # nobody trains there
    shown = said(capsys)
    finished, stopped, failed = shown.out.splitlines()[1:]
    assert "finished  2.2000 ± 0.1000 (3)" in " ".join(finished.split("   "))
    assert "stopped" in stopped
    assert "1.0000 ± 0.0000 (2)" in failed
    assert "in no mean" in shown.err
    assert "mlp/version_4 failed: step 3: the loss is not finite" in shown.err
    assert "mlp/version_5 failed: killed" in shown.err


def test_a_running_run(made, capsys):
    folder = RunFolder(Path("logs"), "mlp", made(status="running"))
    folder.lock()
    assert "running" in said(capsys).out
    folder.unlock()
    assert "failed" in said(capsys).out


def test_a_seed_that_was_run_twice_is_no_spread(made, capsys):
    for _ in range(2):
        for seed in (1, 2):
            made(seed=seed)
    assert [row["best val/loss"]["n"] for row in as_json(capsys)] == [2, 2]


def test_seeds_drawn_at_random_are_means_and_no_pairs(made, capsys):
    for lr in (0.1, 0.2):
        for _ in range(3):
            made(seed=True, config={"optimizer": {"class_path": "SGD", "init_args": {"lr": lr}}})
    rows = as_json(capsys)
    assert [row["best val/loss"]["n"] for row in rows] == [3, 3]
    assert "difference" not in rows[0]


def test_names_are_as_long_as_they_must_be(made):
    for part in ("model", "data"):
        for size in (3, 4):
            init_args = {"block_size": size, "deep": {"width": size}}
            made(config={part: {"class_path": "Some", "init_args": init_args}})
    runs, _ = find_runs([Path("logs")])
    metric = choose_metric(runs, None)
    names = [c.name for c in columns_of(rows_of(runs, metric), metric) if c.kind == "setting"]
    assert set(names) >= {"model.block_size", "data.block_size", "model.deep.width"}
    assert "width" not in names


def test_what_follows_from_the_file_is_not_said(made, capsys):
    def with_data(**data):
        made(config={"data": {"class_path": "D", "init_args": data}})

    with_data(path="a.txt", sha256="1", vocabulary="ab")
    with_data(path="b.txt", sha256="2", vocabulary="abc")
    assert list(as_json(capsys)[0]["settings"]) == ["path"]
    with_data(path="b.txt", sha256="3", vocabulary="abc")  # the file has changed
    assert list(as_json(capsys)[0]["settings"]) == ["path", "sha256"]


def test_callbacks_are_settings_by_their_classes():
    stop = {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"patience": 2}}
    found = settings_of({"trainer": {"callbacks": [stop], "logger": {"class_path": "X"}}})
    assert found == {
        "trainer.callbacks": "EarlyStopping",
        "trainer.callbacks.EarlyStopping.patience": 2,
    }


def test_a_metric_that_no_run_is_saved_by(made, capsys):
    last = {"a": 1.0, "train_loss": 2.0, "val_loss": 3.0}
    made(best=None, last=last)
    assert json.loads(said(capsys, "--json").out)["metric"] == "val_loss"
    made(best=None, last={}, config={"lr": 1})
    assert [row.get("last val_loss", {}) for row in as_json(capsys)] == [
        {"mean": 3.0, "std": None, "n": 1}, None,
    ]  # fmt: skip


def test_the_order(made, capsys):
    for lr, best in ((0.3, 2.0), (0.01, 3.0), (None, 1.0)):
        made(best=best, config={"optimizer": {"class_path": "SGD", "init_args": {"lr": lr}}})

    def order(*flags):
        return [row["best val/loss"]["mean"] for row in as_json(capsys, *flags)]

    assert order() == [2.0, 3.0, 1.0]
    assert order("--descending") == [1.0, 3.0, 2.0]
    assert order("--sort", "lr") == order("--sort", "optimizer.lr") == [3.0, 2.0, 1.0]
    assert order("--sort", "lr", "--descending") == [2.0, 3.0, 1.0]
    assert order("--sort=best") == order("--sort=best val/loss") == [1.0, 2.0, 3.0]


# Terminals


def test_a_narrow_table_leaves_out_and_says_so(made):
    for lr in (0.1, 0.2):
        for seed in (1, 2):
            init_args = {f"a_rather_long_name_{n}": lr for n in range(6)} | {"lr": lr}
            made(seed=seed, config={"optimizer": {"class_path": "SGD", "init_args": init_args}})
    made(name="很长的名字" * 9, seed=1)
    runs, _ = find_runs([Path("logs")])
    metric = choose_metric(runs, None)
    rows = rows_of(runs, metric)
    columns = columns_of(rows, metric)
    for width in (60, 80, 100, 400):
        table, left_out = text(rows, columns, width)
        lines = table.splitlines()
        assert max(map(display_width, lines)) <= width
        assert len(lines) == len(rows) + 1
        assert bool(left_out) == (width < 400)
        assert "best val/loss" in lines[0]
    whole, left_out = text(rows, columns, None)
    assert ("很长的名字" * 9 in whole, left_out) == (True, [])


def test_a_terminal_gets_what_fits(here_with):
    """In a real one of eighty columns, and what is piped is whole."""
    master, slave = pty.openpty()
    command = [sys.executable, str(ROOT / "main.py"), "compare"]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, stdout=slave, stderr=subprocess.PIPE, text=True, check=True,
                          env=environment)  # fmt: skip
    os.close(slave)
    shown = os.read(master, 1 << 16).decode()
    assert max(map(display_width, shown.splitlines())) <= 80
    assert "no room for" in done.stderr
    whole = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "no room for" not in whole.stderr
    assert max(map(display_width, whole.stdout.splitlines())) > 80


def test_names_that_a_terminal_would_obey(made, capsys):
    made(name="a\x1b[2J\nb")
    Path("logs/a\x1b[2J\nb").rename("logs/a\x1b[2J\n\udcff b")
    shown = said(capsys)
    assert len(shown.out.splitlines()) == 2
    assert "\x1b" not in shown.out
    as_json(capsys)
    said(capsys, "--csv", "runs.csv")


# What is no run


def test_what_is_no_run_is_said_and_left_out(made, capsys):
    made()
    for name, file, content in (
        ("damaged", "summary.json", "{"),
        ("other", "config.yaml", "- 1"),
        ("foreign", "metrics.csv", "step,a\n1,2\n"),
    ):
        Path("logs", name).mkdir()
        Path("logs", name, file).write_text(content)
    (Path("logs") / "loop").symlink_to(Path("logs").absolute())
    shown = said(capsys)
    assert len(shown.out.splitlines()) == 2
    assert {line.partition(" (")[0] for line in shown.err.splitlines()[1:]} == {
        "left out: logs/damaged/summary.json: damaged; delete it, and curves are read",
        "left out: logs/other/config.yaml: not the config of a run",
        "left out: logs/foreign: no run of litmore's: no config.yaml",
    }
    for number in range(20):
        Path(f"logs/many_{number}").mkdir()
        Path(f"logs/many_{number}/summary.json").write_text("{")
    assert len(said(capsys).err.splitlines()) == 7


def test_a_run_is_there_once(made, capsys):
    path = made()
    assert len(as_json(capsys, "logs", str(path), "logs/mlp")) == 1


def test_two_runs_of_one_name_are_called_by_their_paths(made, capsys):
    made(seed=1), made(seed=2)
    shutil.copytree("logs", "others")
    made(name="bigram", config={"lr": 1})
    rows = as_json(capsys, "logs", "others")
    assert [row["run"] for row in rows] == [
        "logs/mlp/version_0-1", "others/mlp/version_0-1", "bigram/version_0",
    ]  # fmt: skip


def test_nothing_that_is_not_finite_breaks_it(made, capsys):
    for best in (math.nan, math.inf, 1.0):
        for seed in (1, 2):
            made(seed=seed, best=best, config={"lr": best if best == 1 else str(best)})
    rows = as_json(capsys, "--sort", "best")
    assert [row["best val/loss"]["mean"] for row in rows].count(1.0) == 1
    said(capsys, "--csv", "runs.csv")


def test_runs_of_an_older_version(here_with, made, capsys, logs):
    for file in (logs / "mlp/version_0").iterdir():
        if file.is_file() and file.name != "summary.json":
            Path("logs/old").mkdir(parents=True, exist_ok=True)
            Path("logs/old", file.name).write_bytes(file.read_bytes())
    (old,) = as_json(capsys, "logs/old")
    new = read_summary(logs / "mlp/version_0")
    assert old["best val/loss"]["mean"] == pytest.approx(new.best)
    assert old["test/loss"]["mean"] == pytest.approx(new.test["test/loss"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nowhere"], "compare nowhere: no such folder"),
        (["empty"], "compare empty: no run in it"),
        (["--sort", "bset val/loss"], "--sort bset val/loss: no such column; is best val/loss"),
        (["--sort", "optimizer.lrr"], "--sort optimizer.lrr: no such column"),
        (["--metric", "val/los"], "--metric val/los: no run has it; is val/loss meant?"),
        (["--csv", "nowhere/a.csv"], "--csv nowhere/a.csv: No such file or directory"),
        (["--plot", "a.png"], "--plot: val/loss was logged by no run"),
        (["--metrik", "val/loss"], "--metrik: no such setting"),
    ],
)
def test_what_is_refused(made, capsys, args, said):
    made(), Path("empty").mkdir()
    assert main(["compare", *args]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {said}")
    assert len(err.splitlines()) == 1


def test_no_logs(here, capsys):
    assert main(["compare"]) == 2
    assert capsys.readouterr().err == "error: compare logs: no such folder\n"


def test_it_needs_neither_torch_nor_numpy(here_with):
    code = (
        "import sys; from litmore.cli import main; main(['compare']);"
        "print(sorted({'torch', 'lightning', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_thousand_runs_are_read_without_their_curves(made, monkeypatch, capsys):
    path = made()
    summary = read_summary(path)
    for number in range(1000):
        again = path.with_name(f"version_{number + 1}")
        again.mkdir()
        (again / "events.out.tfevents.0").write_bytes(b"damaged")
        write(again, replace(summary, config={**summary.config, "seed_everything": number + 2}))
    (row,) = as_json(capsys)
    assert row["best val/loss"]["n"] == 1001
