"""The learning-rate finder: on curves with a known answer, and on the lectures' MLP."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, seed_everything
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from litmore.callbacks import LRFinder
from litmore.cli import main
from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import MLP
from litmore.training.lr_finder import suggest

ROOT = Path(__file__).parents[2]
FLAG = "--trainer.callbacks+=litmore.callbacks.LRFinder"


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("steepest", [1e-3, 1e-2, 1e-1])
@pytest.mark.parametrize("plateau", [0.5, 1.0])
def test_a_noisy_curve_with_a_known_answer(steepest, plateau, noise):
    # Falls by 1 around `steepest`, and shoots up `2 · plateau` decades after it.
    lrs = np.geomspace(1e-5, 10, 300)
    decades = np.log10(lrs / steepest)
    losses = 3 - 1 / (1 + np.exp(-decades * 4)) + np.exp(8 * (decades - 2 * plateau))
    keep = losses < 8
    lrs, losses = lrs[keep], losses[keep]
    losses = losses + noise * np.random.default_rng(0).standard_normal(losses.size)
    lowest = lrs[(3 - 1 / (1 + np.exp(-decades * 4)) + np.exp(8 * (decades - 2 * plateau)))[
        keep
    ].argmin()]  # fmt: skip
    halfway = np.sqrt(steepest * lowest)
    assert abs(np.log10(suggest(lrs, losses) / halfway)) < 0.3


def test_a_loss_that_only_rises_suggests_the_least():
    lrs = np.geomspace(1e-5, 1, 100)
    assert suggest(lrs, np.linspace(1, 2, 100)) == lrs[0]


@pytest.fixture
def swept(trainer):
    """Sweep the lectures' MLP with SGD, batch 32, and stop."""

    def swept(seed, **settings):
        seed_everything(seed, verbose=False)
        data = NamesDataModule(batch_size=32)
        model = MLP(data.vocabulary.characters, init="lecture")
        model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.1)
        finder = LRFinder(**{"train": False, **settings})
        trainer(max_steps=3, callbacks=[finder]).fit(model, data)
        return finder

    return swept


def test_the_lectures_mlp_wants_about_a_tenth(swept, monkeypatch):
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    suggestions = np.array([swept(seed).suggestion for seed in range(10)])
    assert ((suggestions >= 0.05) & (suggestions <= 0.3)).sum() >= 9, suggestions


class Losses(Callback):
    def __init__(self):
        self.losses = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "LBFGS"])
def test_after_the_sweep_all_is_as_before(trainer, optimizer):
    def losses(*callbacks):
        seed_everything(3, verbose=False)
        data = NamesDataModule(batch_size=64)
        model = MLP(data.vocabulary.characters, hidden_dim=8)
        make = getattr(torch.optim, optimizer)
        model.configure_optimizers = lambda: make(model.parameters(), lr=0.01)
        record = Losses()
        trainer(max_steps=5, callbacks=[*callbacks, record]).fit(model, data)
        return record.losses, model.trainer.optimizers[0].param_groups[0]["lr"]

    class FindOnly(LRFinder):
        def on_train_start(self, trainer, pl_module):
            super().on_train_start(trainer, pl_module)
            for group in trainer.optimizers[0].param_groups:
                group["lr"] = 0.01

    assert losses(FindOnly(num_steps=30)) == losses()
    assert losses(LRFinder(num_steps=30))[0][1:] != losses()[0][1:]


@pytest.fixture
def run(command_line):
    def run(*args):
        code, out, err = command_line(*args)
        assert code == 0, err
        return out

    return run


def test_the_overlay_prints_the_override_draws_the_curve_and_stops(run):
    overlay = ROOT / "configs/trainer/lr_find.yaml"
    lecture = ["--model", "MLP", "--model.init", "lecture", "--seed_everything", 2147483647]
    lecture += ["--optimizer", "SGD", "--optimizer.lr", 0.1, "--run_name", "mlp",
                "--trainer.max_steps", 1000]  # fmt: skip
    out = run("fit", "--config", overlay, *lecture)
    found = re.fullmatch(r"--optimizer\.init_args\.lr=(\S+)\n", out)
    assert 0.05 <= float(found[1]) <= 0.3
    folder = Path("logs/mlp/version_0")
    assert (folder / "lr_find.png").stat().st_size > 10_000
    images = EventAccumulator(str(folder)).Reload().Images("watch/lr_find")
    assert images[0].width > 400
    assert not (folder / "checkpoints").exists()


@pytest.mark.torture
def test_a_schedules_warm_up_does_not_move_the_suggestion(run):
    overlay = ROOT / "configs/trainer/lr_find.yaml"
    args = ["fit", "--config", ROOT / "configs/mlp.yaml", "--config", overlay]
    args += ["--data.batch_size", 64]
    # The schedule moves Adam's momentum too; that would move the sweep a little, and rightly.
    scheduled = run(*args, "--lr_scheduler.init_args.cycle_momentum=false")
    plain = run(*args, "--lr_scheduler=null")
    assert scheduled.split()[0] == plain.split()[0]


@pytest.mark.parametrize("config", ["mlp", "bigram"])
def test_the_flag_trains_on_with_what_it_found_and_its_override_can_be_pasted(run, config):
    args = ["fit", "--config", ROOT / f"configs/{config}.yaml", "--trainer.max_steps", 9]
    args += ["--data.batch_size", 256]
    out = run(*args, FLAG)
    pasted = out.splitlines()[0].split()
    assert [flag.split("=")[0] for flag in pasted] == ["--optimizer.init_args.lr"]
    run(*args, *pasted)
    groups = [
        torch.load(f"logs/{config}/version_{n}/checkpoints/last.ckpt", weights_only=True)[
            "optimizer_states"
        ][0]["param_groups"][0]
        for n in (0, 1)
    ]
    for name in ("lr", "initial_lr", "max_lr", "min_lr"):
        assert groups[0][name] == pytest.approx(groups[1][name], rel=0.06)  # two digits are shown


def test_a_model_without_optimizer_has_no_rate_to_find(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(["fit", "--config", str(ROOT / "configs/bigram_counts.yaml"), FLAG])
    assert code == 2
    assert "CountBigram has no learning rate" in capsys.readouterr().err
    assert not Path("logs").exists()


@pytest.mark.parametrize("settings", [{"min_lr": 0.0}, {"min_lr": 1.0, "max_lr": 0.1},
                                      {"num_steps": 3}])  # fmt: skip
def test_refuses_no_range(settings):
    with pytest.raises(InputError):
        LRFinder(**settings)
