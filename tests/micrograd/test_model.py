"""The classifier trained by litmore's own backpropagation, through the command line."""

from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from litmore.cli import main
from litmore.errors import InputError
from litmore.micrograd.decision_boundary import plot
from litmore.micrograd.model import ScalarMLP
from litmore.micrograd.moons import moons

ROOT = Path(__file__).parents[2]
MOONS = "litmore.micrograd.moons.MoonsDataModule"
CONFIG = str(ROOT / "configs" / "micrograd.yaml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the shipped config's run by torch's backpropagation, and its start by ours."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        for backprop, steps in (("micrograd", "6"), ("torch", "100")):
            name = ["--run_name", backprop, "--model.backprop", backprop]
            seldom = ["--trainer.check_val_every_n_epoch", "50", "--trainer.max_steps", steps]
            assert main(["fit", "--config", CONFIG, *name, *seldom]) == 0
    return folder


@pytest.fixture
def run(folder, command_line, monkeypatch):
    """A command line in that folder: exit code, stdout, stderr."""
    monkeypatch.chdir(folder)
    return command_line


def logged(run_folder, name):
    events = EventAccumulator(str(run_folder), {"scalars": 0, "images": 0}).Reload()
    if name in events.Tags()["images"]:
        return events.Images(name)
    return [event.value for event in events.Scalars(name)]


def tags(run_folder):
    return EventAccumulator(str(run_folder), {"scalars": 0}).Reload().Tags()["scalars"]


def test_all_100_points_are_told_apart_as_in_the_demo(folder):
    run_folder = folder / "logs/torch/version_0"
    objective = logged(run_folder, "train/objective")
    assert objective[:3] == pytest.approx([0.8958441, 1.7235905, 0.7429006], abs=1e-6)
    accuracy = logged(run_folder, "train/accuracy")
    assert accuracy[:4] == pytest.approx([0.5, 0.81, 0.77, 0.82])
    assert accuracy[-1] == 1.0
    model = ScalarMLP.load_from_checkpoint(run_folder / "checkpoints/last.ckpt", weights_only=True)
    train = moons(100, 0.1, 1337)
    with torch.inference_mode():
        assert ((model(train.x) > 0) == (train.y > 0)).all()


def test_torchs_backpropagation_gives_the_same_losses(folder):
    for name in ("train/hinge", "train/objective"):
        ours, theirs = (
            logged(folder / "logs" / backprop / "version_0", name)
            for backprop in ("micrograd", "torch")
        )
        assert len(ours) == 6
        assert ours == pytest.approx(theirs[:6], abs=1e-6)


def test_the_boundary_is_a_picture_in_tensorboard(folder):
    run_folder = folder / "logs/torch/version_0"
    assert len(logged(run_folder, "watch/decision_boundary")) >= 2
    assert (run_folder / "decision_boundary.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_the_boundary_says_when(folder):
    points = moons(20, 0.1, 1)
    scores = torch.zeros(3, 3)
    axes = torch.linspace(-1, 1, 3)
    figure = plot(points.x, points.y, axes, axes, scores, "after 7 steps")
    assert figure.axes[0].get_title() == "after 7 steps"


def test_its_loss_is_on_no_chart_of_nats(run, folder):
    assert not {"train/loss", "val/loss"} & set(tags(folder / "logs/torch/version_0"))
    code, out, err = run("plot", "logs/torch", "--output", "hinge.png")
    assert (code, out) == (0, "hinge.png\n"), err
    code, out, err = run("compare", "logs")
    assert code == 0, err
    head = out.splitlines()[0]
    assert "best val/hinge" in head
    assert "val/loss" not in head


def test_it_is_judged_and_goes_on_like_any_model(run, folder):
    best = "logs/torch/version_0/checkpoints/best.ckpt"
    code, out, _ = run("test", "--ckpt_path", best)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["test/hinge", "test/accuracy"]
    code, out, err = run(
        "fit", "--ckpt_path", "last", "--run_name", "torch", "--trainer.max_steps", 110
    )
    assert code == 0
    assert out.splitlines()[1].split() == ["train/accuracy", "1.0000"]
    assert "main.py test --ckpt_path logs/torch/version_0/checkpoints" in err
    assert "main.py sample" not in err
    last = torch.load(folder / "logs/torch/version_0/checkpoints/last.ckpt", weights_only=True)
    assert last["global_step"] == 110


def test_resumed_is_as_if_never_stopped(run, folder):
    name = ["--run_name", "stopped", "--model.backprop", "torch"]
    assert run("fit", "--config", CONFIG, *name, "--trainer.max_steps", 10)[0] == 0
    again = ["--ckpt_path", "last", "--run_name", "stopped", "--trainer.max_steps", "20"]
    assert run("fit", *again)[0] == 0
    whole = logged(folder / "logs/torch/version_0", "train/hinge")
    assert logged(folder / "logs/stopped/version_0", "train/hinge") == whole[:20]


@pytest.mark.parametrize("overlay", ["overfit", "lr_find"])
def test_overlays_work_on_it(run, overlay):
    few = ["--data.num_points", 2, "--data.batch_size", 1, "--model.hidden_dims", "[2]",
           "--trainer.max_steps", 4]  # fmt: skip
    overlay = ROOT / "configs" / "trainer" / f"{overlay}.yaml"
    if overlay.stem == "lr_find":
        few += ["--trainer.callbacks.num_steps", 30]
    code, out, err = run("fit", "--config", CONFIG, "--config", overlay, *few, "--run_name", "few")
    assert code == 0, err
    expected = "--optimizer.init_args.lr=" if overlay.stem == "lr_find" else "train/hinge"
    assert out.startswith(expected)
    assert "train/floor" not in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["fit", "--config", CONFIG, "--data", "NamesDataModule"], "points apart, not words"),
        (["fit", "--config", ROOT / "configs/mlp.yaml", "--data", MOONS],
         "MoonsDataModule has no characters for MLP"),
        (["fit", "--config", CONFIG, "--model", "NeuralBigram", "--data", "NamesDataModule",
          "--data.block_size", "1", "--trainer.logger", "false",
          "--trainer.enable_checkpointing", "false"], "no points of the plane"),
        (["fit", "--config", CONFIG, "--print_splits"], "MoonsDataModule has none to show"),
        (["predict", "--ckpt_path", "logs/torch/version_0/checkpoints/last.ckpt"],
         "`predict_dataloader` must be implemented"),
        (["sample", "--ckpt_path", "logs/torch/version_0/checkpoints/last.ckpt"],
         "is not a CharLM"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_one_line(run, folder, args, message):
    before = sorted((folder / "logs").glob("*/*"))
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("error:") == 1
    assert sorted((folder / "logs").glob("*/*")) == before


@pytest.mark.parametrize(
    "settings", [{"hidden_dims": []}, {"hidden_dims": [0]}, {"weight_penalty": -1.0}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError, match=f"--model.{next(iter(settings))}"):
        ScalarMLP(**settings)


def test_a_checkpoint_holds_plain_settings(folder):
    run_folder = folder / "logs/micrograd/version_0"
    checkpoint = torch.load(run_folder / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["class_path"] == "litmore.micrograd.model.ScalarMLP"
    assert checkpoint["hyper_parameters"]["hidden_dims"] == [16, 16]
    assert sum(p.numel() for p in checkpoint["state_dict"].values()) == 337
    config = yaml.safe_load((run_folder / "config.yaml").read_text())
    assert config["data"]["init_args"]["batch_size"] == 100


def test_tanh_by_the_scalars_is_tanh_by_torch():
    torch.manual_seed(3)
    points = moons(6, 0.1, 0)
    batch = (points.x, points.y)
    gradients = {}
    for backprop in ("micrograd", "torch"):
        torch.manual_seed(3)
        model = ScalarMLP([5], activation="tanh", backprop=backprop)
        model.log_dict = model.log = lambda *_, **__: None
        model.training_step(batch, 0).backward()
        gradients[backprop] = [parameter.grad for parameter in model.parameters()]
    torch.testing.assert_close(gradients["micrograd"], gradients["torch"], rtol=0, atol=1e-12)
