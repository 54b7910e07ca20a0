"""A checkpoint that is damaged, or made to harm: one line, whatever reads it."""

import shutil
from pathlib import Path

import pytest
import torch

from litmore.cli import main

MLP = str(Path(__file__).parents[2] / "configs" / "mlp.yaml")
CPU = ["--trainer.accelerator", "cpu"]
NAN = float("nan")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of three steps on a small corpus that lies beside its logs."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "towns.txt").write_text("anna\nbodo\ncleo\ndora\nemma\n" * 6)
    where = ["--data.path", folder / "towns.txt", "--trainer.default_root_dir", folder / "logs"]
    more = ["--trainer.max_steps", 3, "--model.hidden_dim", 5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", "0")
        assert main([str(arg) for arg in ["fit", "--config", MLP, *CPU, *where, *more]]) == 0
    return folder


@pytest.fixture
def made(trained, here):
    """The run's last checkpoint, changed by a function, in no run's folder."""

    def made(edit, name="b.ckpt"):
        last = trained / "logs/mlp/version_0/checkpoints/last.ckpt"
        checkpoint = torch.load(last, weights_only=True)
        edit(checkpoint)
        torch.save(checkpoint, name)
        return name

    return made


def at(*keys, value):
    """What sets the part of a checkpoint below these keys."""

    def edit(checkpoint):
        *way, last = keys
        for key in way:
            checkpoint = checkpoint[key]
        checkpoint[last] = value

    return edit


def without(*keys):
    """What takes it out."""

    def edit(checkpoint):
        *way, last = keys
        for key in way:
            checkpoint = checkpoint[key]
        del checkpoint[last]

    return edit


def changed(*keys, by):
    def edit(checkpoint):
        *way, last = keys
        for key in way:
            checkpoint = checkpoint[key]
        checkpoint[last] = by(checkpoint[last])

    return edit


def endless(checkpoint):
    checkpoint["config"]["model"]["init_args"]["more"] = checkpoint["config"]


def poisoned(name, value):
    def edit(checkpoint):
        checkpoint["state_dict"][name].view(-1)[-1] = value

    return edit


NOT_FINITE = {
    "NaN": (poisoned("hidden.weight", NAN), "hidden.weight is not finite"),
    "infinite": (poisoned("output.bias", float("inf")), "output.bias is not finite"),
}

BIAS = ("state_dict", "hidden.bias")

EVERYWHERE = {
    "a key of no name": (at(3, value=4), "a part of it has no name"),
    "a weight of no name": (at("state_dict", 3, value=torch.zeros(1)), "no usable state_dict"),
    "an argument of no name": (at("hyper_parameters", 3, value=1), "no usable hyper_parameters"),
    "a setting of no name": (at("config", 3, value=1), "no usable config"),
    "weights without values": (changed(*BIAS, by=lambda b: b.to("meta")), "without values"),
    "a tensor as a setting": (at("config", "x", value=torch.ones(1)), "no usable config"),
    "a number for the Trainer": (at("config", "trainer", value=3), "no usable config"),
    "a number for pictures": (at("config", "tensorboard", value=7), "no usable config"),
    "itself inside": (endless, "nested too deep"),
}

TO_THE_TRAINER = {
    "no version": (without("pytorch-lightning_version"), "no version of Lightning"),
    "an odd version": (at("pytorch-lightning_version", value="x"), "no version of Lightning"),
    "a version long gone": (at("pytorch-lightning_version", value="0.0.1"), "--ckpt_path"),
    "no step": (without("global_step"), "no usable global_step"),
    "a step before the first": (at("global_step", value=-5), "no usable global_step"),
    "a word for an epoch": (at("epoch", value="x"), "no usable epoch"),
    "callbacks that are none": (at("callbacks", value=[1]), "no usable callbacks"),
    "sparse weights": (changed(*BIAS, by=lambda b: b.to_sparse()), "hidden.bias is"),
    "no loops in the loops": (at("loops", value={}), "_loop"),
}

PROGRESS = ("loops", "fit_loop", "epoch_loop.batch_progress")
LOADER = ("loops", "fit_loop", "state_dict")
RNG = ("rng_states", 0)

TO_A_TRAINING = {
    "an empty loop": (at("loops", "fit_loop", value={}), "no usable fit_loop"),
    "a loop that is none": (at("loops", "fit_loop", value=[1]), "no usable fit_loop"),
    "no progress": (at(*PROGRESS, value={}), "no usable fit_loop"),
    "a word for a count": (at(*PROGRESS, "current", "ready", value="x"), "no usable fit_loop"),
    "a count below 0": (at(*PROGRESS, "current", "ready", value=-7), "no usable fit_loop"),
    "nowhere in the data": (at(*LOADER, value={"combined_loader": [{"a": 3}]}), "where in the"),
    "no optimizer": (at("optimizer_states", value=[]), "0 optimizers, the model has 1"),
    "a word for an optimizer": (at("optimizer_states", value=["x"]), "no usable optimizer_states"),
    "an empty optimizer": (at("optimizer_states", value=[{}]), "'param_groups'"),
    "two optimizers": (changed("optimizer_states", by=lambda s: s * 2), "2 optimizers"),
    "an optimizer's NaN": (
        at("optimizer_states", 0, "state", 0, "momentum_buffer", value=torch.tensor(NAN)),
        "optimizer_states: NaN",
    ),
    "a schedule that is none": (at("lr_schedulers", value=[3]), "no usable lr_schedulers"),
    "a short random state": (at(*RNG, "torch", value=torch.zeros(3)), "no usable rng_states"),
    "numpy's random state": (at(*RNG, "numpy", value=["x"]), "no usable rng_states"),
    "a negative random state": (
        at(*RNG, "numpy", value=["MT19937", [-1] * 624, 1, 0, 0.0]), "no usable rng_states",
    ),
    "Python's random state": (at(*RNG, "python", value=(3, (1,), None)), "no usable rng_states"),
    "no random state": (at("rng_states", value=[{}]), "no usable rng_states"),
    "a word for random states": (at("rng_states", value="abc"), "no usable rng_states"),
    "metrics that are none": (at("callback_metrics", value=[1]), "no usable callback_metrics"),
    "a word for a metric": (
        at("callback_metrics", value={"val/loss": "x"}), "no usable callback_metrics",
    ),
    "a word for the best": (
        at("callbacks", "Checkpoints", "best_score", value="x"), "no usable callbacks",
    ),
    "a number for a callback": (at("callbacks", "Checkpoints", value=3), "no usable callbacks"),
    "a number for the data": (at("NamesDataModule", value=3), "damaged"),
}  # fmt: skip


@pytest.fixture
def refused(command_line, here):
    """What a command line that must be refused says; nothing is left of it."""

    def refused(*args):
        before = sorted(here.rglob("*"))
        code, out, err = command_line(*args)
        lines = [line for line in err.splitlines() if not line.startswith("checkpoint: ")]
        assert (code, out) == (2, ""), err
        assert sorted(here.rglob("*")) == before
        return next(line for line in lines if line.startswith("error: "))

    return refused


FIT = ["fit", "--ckpt_path", "b.ckpt", "--trainer.max_steps", "6", *CPU]


@pytest.mark.parametrize(("edit", "named"), NOT_FINITE.values(), ids=NOT_FINITE)
def test_weights_that_are_not_finite_are_used_by_no_command(refused, trained, made, edit, named):
    ckpt = made(edit)
    Path("words.txt").write_text("anna\n")
    data = ["--data.path", trained / "towns.txt"]
    mixture = MLP.replace("mlp.yaml", "trained/mixture.yaml")
    for args in (
        ["validate", "--ckpt_path", ckpt, *CPU],
        ["test", "--ckpt_path", ckpt, *CPU],
        ["predict", "--ckpt_path", ckpt, "--data.predict_path", "words.txt", *CPU],
        ["sample", "--ckpt_path", ckpt],
        ["export", "--ckpt_path", ckpt, "--output", "out"],
        FIT,
        ["fit", "--config", MLP, "--init_from", ckpt, "--model.hidden_dim", "5", *data, *CPU],
        ["fit", "--config", mixture, f"--model.members=[{ckpt}]", *data, *CPU],
    ):
        assert named in refused(*args)


@pytest.mark.parametrize(("edit", "named"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_damage_is_refused_by_every_command(refused, made, edit, named):
    made(edit)
    assert named in refused("sample", "--ckpt_path", "b.ckpt")
    assert named in refused(*FIT)


@pytest.mark.parametrize(("edit", "named"), TO_THE_TRAINER.values(), ids=TO_THE_TRAINER)
def test_damage_is_refused_by_whatever_the_trainer_does(refused, made, edit, named):
    made(edit)
    assert named in refused("validate", "--ckpt_path", "b.ckpt", *CPU)
    assert named in refused(*FIT)


@pytest.mark.parametrize(("edit", "named"), TO_A_TRAINING.values(), ids=TO_A_TRAINING)
def test_damage_is_refused_by_a_training(refused, made, edit, named):
    made(edit)
    assert named in refused(*FIT)


def test_weights_of_which_nothing_can_be_drawn(command_line, made):
    made(changed("state_dict", "output.weight", by=lambda w: torch.full_like(w, 3e38)))
    code, _, err = command_line("sample", "--ckpt_path", "b.ckpt")
    assert (code, err.splitlines()[-1][:30]) == (1, "error: the model's logits are ")


# A checkpoint that lies in no run's folder


def strange(checkpoint):
    config = checkpoint["config"]
    config["run_name"] = "evil"
    config["data"]["init_args"]["predict_path"] = "/etc/hostname"
    config["trainer"] |= {
        "default_root_dir": "elsewhere",
        "logger": {"class_path": "lightning.pytorch.loggers.CSVLogger",
                   "init_args": {"save_dir": "elsewhere"}},
        "callbacks": [{"class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
                       "init_args": {"dirpath": "elsewhere"}}],
        "profiler": "simple",
    }  # fmt: skip


def test_a_strangers_checkpoint_says_neither_where_to_write_nor_what_to_run(command_line, made):
    made(strange)
    code, _, err = command_line(*FIT)
    assert code == 0
    names = ("callbacks", "default_root_dir", "logger", "profiler")
    assert f"does not set {', '.join(f'trainer.{name}' for name in names)};" in err
    assert not Path("elsewhere").exists()
    assert [path.name for path in Path("logs").iterdir()] == ["mlp"]
    assert "Profiler" not in err
    code, out, err = command_line("predict", "--ckpt_path", "b.ckpt", *CPU)
    assert (code, out) == (2, "")
    assert "--data.predict_path" in err


def test_by_hand_it_is_said_all_the_same(command_line, made):
    made(strange)
    where = ["--trainer.default_root_dir", "mine", "--run_name", "own", "--trainer.logger", "false"]
    assert command_line(*FIT, *where)[0] == 0
    assert Path("mine/own/version_0/checkpoints/last.ckpt").is_file()


def test_a_run_of_ones_own_keeps_what_it_was_told(command_line, trained, here):
    shutil.copytree(trained / "logs", "logs")
    edited = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    edited["config"]["data"]["init_args"]["predict_path"] = str(trained / "towns.txt")
    torch.save(edited, "logs/mlp/version_0/checkpoints/last.ckpt")
    code, out, _ = command_line("predict", "--ckpt_path", "last", *CPU)
    assert (code, len(out.splitlines())) == (0, 31)
