"""--init_from, --freeze and --compile: what a run begins with, what of it trains, and how fast."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from litmore.errors import InputError
from litmore.training.warm_start import freeze, load_fitting

ROOT = Path(__file__).parents[2]
WORDS = ["anna", "hannah", "nina", "ian", "nan", "hanna", "tina", "tia", "ann", "nia"] * 4
STILL = ["--optimizer.lr", 1e-30]
"""Steps so small that no weight moves."""
MUON, ADAMW = "litmore.optim.MuonAdamW", "torch.optim.AdamW"


@pytest.fixture
def fit(command_line, word_file):
    """Train a very small MLP on a few words: exit code, stdout, stderr."""
    path = word_file(WORDS)

    def fit(*args, steps=4, words=path, optimizer=ADAMW):
        return command_line(
            "fit", "--model", "MLP", "--model.embedding_dim", 2, "--model.hidden_dim", 8,
            "--data.path", words, "--data.batch_size", 16, "--data.split", "[0.5,0.5,0]",
            "--optimizer", optimizer, "--optimizer.lr", 0.05, "--trainer.accelerator", "cpu",
            "--trainer.max_steps", steps, "--tensorboard.every_n_steps", 0, *args,
        )  # fmt: skip

    return fit


def checkpoint(run, name="last"):
    path = Path("logs") / run / "checkpoints" / f"{name}.ckpt"
    return torch.load(path, weights_only=True)


def weights(run, name="last"):
    return checkpoint(run, name)["state_dict"]


def recorded(run):
    return yaml.safe_load((Path("logs") / run / "config.yaml").read_text())


def lines(err, word):
    return [line for line in err.splitlines() if line.strip().startswith(word)]


# --init_from


def test_a_warm_start_takes_all_weights_and_begins_anew(fit):
    fit("--run_name", "first", steps=60)
    code, out, err = fit(
        "--run_name", "second", "--init_from", "logs/first/version_0/checkpoints/last.ckpt",
        *STILL,
    )  # fmt: skip
    assert code == 0, err
    before, after = weights("first/version_0"), weights("second/version_0")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert checkpoint("second/version_0")["global_step"] == 4
    (state,) = checkpoint("second/version_0")["optimizer_states"]
    assert {int(of["step"]) for of in state["state"].values()} == {4}
    assert "logs/first/version_0/checkpoints/last.ckpt" in err
    (loaded,), (left,), (new,) = (lines(err, word) for word in ("loaded", "left", "new"))
    assert "embedding.weight" in loaded
    assert "output.bias" in loaded
    assert "none" in left
    assert "none" in new
    assert out.startswith("val/loss")


@pytest.mark.parametrize("named", ["last", "best"])
def test_a_name_is_the_newest_runs_whatever_it_is_called(fit, named):
    fit("--run_name", "first")
    code, _, err = fit("--run_name", "second", "--init_from", named)
    assert code == 0, err
    path = recorded("second/version_0")["init_from"]
    assert path == str(Path(f"logs/first/version_0/checkpoints/{named}.ckpt").absolute())


def test_what_does_not_fit_stays_as_it_was_made(fit):
    fit("--run_name", "first")
    fit("--run_name", "cold", "--model.hidden_dim", 5, steps=0)
    still = [*STILL, "--model.hidden_dim", 5]
    # The newest run, cold, has taken no step and kept nothing: last is the one before's.
    code, _, err = fit("--run_name", "warm", "--init_from", "last", *still)
    assert code == 0, err
    first = str(Path("logs/first/version_0/checkpoints/last.ckpt").absolute())
    assert recorded("warm/version_0")["init_from"] == first
    _, _, cold_err = fit("--run_name", "cold", *still)
    assert not lines(cold_err, "loaded")
    before, cold, after = (
        weights("first/version_0"),
        weights("cold/version_1"),
        weights("warm/version_0"),
    )
    for name in ("embedding.weight", "output.bias"):
        assert torch.equal(after[name], before[name])
        assert name in lines(err, "loaded")[0]
    for name in ("hidden.weight", "hidden.bias", "output.weight"):
        assert torch.allclose(after[name], cold[name])
        assert name in lines(err, "left")[0]
        assert name in lines(err, "new")[0]
    assert "hidden.weight 8×6" in lines(err, "left")[0]
    assert "hidden.weight 5×6" in lines(err, "new")[0]


def test_the_lines_stay_short_for_a_model_of_many_weights(fit, command_line, word_file):
    fit("--run_name", "first")
    path = Path("logs/first/version_0/checkpoints/last.ckpt")
    content = torch.load(path, weights_only=True)
    content["state_dict"] |= {f"blocks.{i}.weight": torch.zeros(1) for i in range(500)}
    torch.save(content, "many.ckpt")
    code, _, err = fit("--init_from", "many.ckpt")
    assert code == 0
    (left,) = lines(err, "left")
    assert left.endswith("and 494 more")
    assert "blocks.0.weight" in left
    assert len(left) < 300


def refused(outcome, *said):
    """One line, exit code 2, and no folder but the runs there were."""
    code, out, err = outcome
    assert (code, out) == (2, "")
    (told,) = [line for line in err.splitlines() if not line.startswith("checkpoint: ")]
    assert told.startswith("error: ")
    for text in said:
        assert text in err
    assert "--ckpt_path" not in err or "--ckpt_path" in said
    return True


def test_weights_of_which_none_fits_are_refused(fit):
    fit("--run_name", "first")
    path = Path("logs/first/version_0/checkpoints/last.ckpt")
    content = torch.load(path, weights_only=True)
    content["state_dict"] = {"other.weight": torch.zeros(3)}
    torch.save(content, "other.ckpt")
    assert refused(fit("--run_name", "x", "--init_from", "other.ckpt"), "--init_from", "fit")
    assert not Path("logs/x").exists()


@pytest.mark.parametrize(
    "given", ["nowhere.ckpt", "last", "words.txt", ".", "http://example.org/a.ckpt"]
)
def test_what_is_no_checkpoint_is_refused_by_the_flag_that_named_it(fit, given):
    assert refused(fit("--init_from", given), "--init_from", given)
    assert not Path("logs").exists()


def test_the_config_that_named_it_is_named(fit):
    Path("warm.yaml").write_text("seed_everything: 1\ninit_from: nowhere.ckpt\n")
    assert refused(fit("--config", "warm.yaml"), "warm.yaml:2", "--init_from nowhere.ckpt")


def test_two_sources_of_weights_are_refused(fit, command_line):
    fit("--run_name", "first")
    args = ["--ckpt_path", "last", "--init_from", "last"]
    assert refused(command_line("fit", *args), "--init_from", "--ckpt_path")
    assert refused(command_line("validate", *args), "--init_from", "--ckpt_path")


def test_a_run_that_goes_on_is_not_warmed_again(fit, command_line):
    fit("--run_name", "first", steps=30)
    first = Path("logs/first/version_0/checkpoints/last.ckpt").rename("first.ckpt")
    fit("--run_name", "whole", "--init_from", first, steps=8)
    fit("--run_name", "cut", "--init_from", first, steps=4)
    first.unlink()
    code, _, err = command_line(
        "fit", "--ckpt_path", "last", "--run_name", "cut", "--trainer.max_steps", 8
    )
    assert code == 0, err
    assert not lines(err, "loaded")
    whole, cut = weights("whole/version_0"), weights("cut/version_0")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert recorded("cut/version_0")["init_from"] == str(Path("first.ckpt").absolute())


def test_a_runs_config_repeats_its_warm_start(fit, command_line):
    fit("--run_name", "first", steps=30)
    fit("--run_name", "second", "--init_from", "last")
    config = "logs/second/version_0/config.yaml"
    code, _, err = command_line("fit", "--config", config)
    assert code == 0, err
    once, again = weights("second/version_0"), weights("second/version_1")
    assert all(torch.equal(once[name], again[name]) for name in once)
    # And what a config says is no second source beside a checkpoint named by hand.
    code, _, err = command_line(
        "fit", "--config", config, "--run_name", "second", "--ckpt_path", "last"
    )
    assert code == 0, err
    assert not lines(err, "loaded")


def test_other_characters_are_told_of(fit, word_file):
    fit("--run_name", "first")
    others = word_file([word.replace("t", "z") for word in WORDS], "others.txt")
    code, _, err = fit("--run_name", "second", "--init_from", "last", words=others)
    assert code == 0
    (told,) = [line for line in err.splitlines() if "vocabulary" in line]
    assert "'ahint'" in told
    assert "'ahinz'" in told
    _, _, err = fit("--run_name", "third", "--init_from", "last", words=others)
    assert "vocabulary" not in err


def test_load_fitting_goes_by_name_and_shape():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    given = {
        "0.weight": torch.ones(3, 2, dtype=torch.float64),
        "0.bias": torch.ones(4),
        "1.running_mean": torch.full((3,), 7.0),
        "2.weight": torch.ones(1),
    }
    kept = model[0].bias.detach().clone()
    fitted = load_fitting(model, given)
    assert fitted.loaded == {"0.weight": (3, 2), "1.running_mean": (3,)}
    assert fitted.left == {"0.bias": (4,), "2.weight": (1,)}
    assert set(fitted.new) == {
        "0.bias", "1.weight", "1.bias", "1.running_var", "1.num_batches_tracked",
    }  # fmt: skip
    assert fitted.new["0.bias"] == (3,)
    assert torch.equal(model[0].weight, torch.ones(3, 2))
    assert torch.equal(model[0].bias, kept)
    assert torch.equal(model[1].running_mean, torch.full((3,), 7.0))


def test_load_fitting_refuses_what_fits_nowhere():
    with pytest.raises(InputError, match="none"):
        load_fitting(nn.Linear(2, 3), {"weight": torch.ones(2, 2)})


# --freeze


@pytest.mark.parametrize("optimizer", [MUON, ADAMW])
def test_what_is_frozen_stays_and_the_rest_trains(fit, command_line, optimizer):
    fit("--run_name", "start", steps=1, optimizer=optimizer)
    start = "logs/start/version_0/checkpoints/last.ckpt"
    args = ["--init_from", start, "--freeze", "embedding, hidden.b*", "--optimizer.weight_decay"]
    code, _, err = fit("--run_name", "whole", *args, 0.1, steps=8, optimizer=optimizer)
    assert code == 0, err
    (told,) = lines(err, "frozen")
    assert "embedding.weight" in told
    assert "20 of 122 parameters" in told
    assert "102 train" in told
    before, after = weights("start/version_0"), weights("whole/version_0")
    assert {name for name in before if torch.equal(before[name], after[name])} == {
        "embedding.weight", "hidden.bias",
    }  # fmt: skip
    assert recorded("whole/version_0")["freeze"] == "embedding, hidden.b*"

    fit("--run_name", "cut", *args, 0.1, steps=4, optimizer=optimizer)
    code, _, err = command_line(
        "fit", "--run_name", "cut", "--ckpt_path", "last", "--trainer.max_steps", 8
    )
    assert code == 0, err
    assert lines(err, "frozen") == [told]
    again = weights("cut/version_0")
    assert all(torch.equal(after[name], again[name]) for name in after)

    code, _, err = command_line("validate", "--ckpt_path", "last", "--run_name", "whole")
    assert code == 0, err
    assert "frozen" not in err
    assert command_line("validate", "--ckpt_path", "last", "--freeze", "hidden")[0] == 0

    # Thawed, it goes on with all.
    code, _, err = command_line(
        "fit", "--run_name", "cut", "--ckpt_path", "last", "--freeze", "null",
        "--trainer.max_steps", 12,
    )  # fmt: skip
    assert code == 0, err
    thawed = weights("cut/version_0")
    assert not any(torch.equal(after[name], thawed[name]) for name in after)


def test_a_default_optimizer_takes_what_is_frozen_too(command_line, word_file):
    args = ["--model", "MLP", "--data.path", word_file(WORDS), "--trainer.accelerator", "cpu"]
    code, _, err = command_line("fit", *args, "--trainer.max_steps", 3, "--freeze", "embedding")
    assert code == 0, err


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ("embeding", ["--freeze embeding", "is embedding meant?"]),
        ("embedding,hiden.weight", ["--freeze hiden.weight", "is hidden.weight meant?"]),
        ("qqq", ["--freeze qqq", "embedding.weight, hidden.weight"]),
        ("*", ["--freeze *", "nothing would be left to train"]),
        ("embedding,hidden,output", ["--freeze", "nothing would be left to train"]),
    ],
)
def test_patterns_that_freeze_nothing_or_all_are_refused(fit, patterns, said):
    assert refused(fit("--freeze", patterns), *said)
    assert not Path("logs").exists()


def test_a_leading_dotted_part_is_a_name():
    model = nn.ModuleDict({"a": nn.ModuleDict({"b": nn.Linear(1, 2)}), "ab": nn.Linear(2, 1)})
    assert freeze(model, ["a"]).names == ["a.b.weight", "a.b.bias"]
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    assert freeze(model, ["a.?"]).names == ["a.b.weight", "a.b.bias"]
    found = freeze(model, ["*.bias"])
    assert (found.names, found.frozen, found.trained) == (
        ["a.b.weight", "a.b.bias", "ab.bias"],
        5,
        2,
    )


def test_a_parameter_of_two_names_is_frozen_by_either():
    model = nn.ModuleDict({"embedding": nn.Linear(2, 3), "output": nn.Linear(2, 3)})
    model["output"].weight = model["embedding"].weight
    assert freeze(model, ["output.weight"]).frozen == 6
    assert not model["embedding"].weight.requires_grad


# --compile


@pytest.fixture
def process(tmp_path, word_file, monkeypatch):
    """Run a command in a process of its own: torch.compile cannot look into the shape checks."""
    monkeypatch.chdir(tmp_path)
    path = word_file(WORDS)

    def process(*args, **environment):
        if "--model" in args:
            args += ("--data.path", path, "--data.split", "[0.5,0.5,0]")
            args += ("--optimizer", ADAMW, "--optimizer.lr", 0.05)
        if args[0] != "sample":
            args += ("--trainer.accelerator", "cpu")
        done = subprocess.run(
            [sys.executable, ROOT / "main.py", *map(str, args)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return process


SMALL = ("--model", "MLP", "--model.embedding_dim", 2, "--model.hidden_dim", 8)


@pytest.mark.torture
def test_without_a_compiler_one_line_says_so(process, tmp_path):
    nowhere = {"CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    outcome = process("fit", *SMALL, "--trainer.max_steps", 2, "--compile", **nowhere)
    assert refused(outcome, "--compile", "C++ compiler")
    assert not (tmp_path / "logs").exists()


@pytest.mark.torture
def test_a_compiled_run_gives_the_same_losses_samples_and_goes_on(process):
    for name, *more in (["plain"], ["compiled", "--compile"]):
        code, _, err = process("fit", *SMALL, "--run_name", name, "--trainer.max_steps", 8, *more)
        assert code == 0, err
        assert "Warning" not in err
        assert "dynamo" not in err
    plain, compiled = (checkpoint(f"{run}/version_0") for run in ("plain", "compiled"))
    assert compiled["callback_metrics"] == pytest.approx(plain["callback_metrics"], abs=1e-5)
    assert compiled["state_dict"].keys() == plain["state_dict"].keys()

    process("fit", *SMALL, "--run_name", "cut", "--trainer.max_steps", 4, "--compile")
    last = ("--ckpt_path", "last", "--run_name", "cut")
    code, _, err = process("fit", *last, "--trainer.max_steps", 8)
    assert code == 0, err
    assert recorded("cut/version_0")["compile"] is True
    cut = weights("cut/version_0")
    assert all(torch.equal(cut[name], of) for name, of in compiled["state_dict"].items())

    code, names, _ = process("sample", *last, "--num_samples", 3)
    assert (code, len(names.splitlines())) == (0, 3)
    Path("some.txt").write_text("anna\ntia\n")
    for command in (
        ["validate", *last],
        ["test", *last, "--data.split", "[0.5,0.25,0.25]"],
        ["predict", *last, "--data.predict_path", "some.txt"],
    ):
        (code, out, _), (_, compiled_out, err) = process(*command), process(*command, "--compile")
        assert code == 0
        assert numbers(out)
        assert numbers(compiled_out) == pytest.approx(numbers(out), abs=2e-4), err


def numbers(text):
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


@pytest.mark.torture
def test_on_several_processes_it_is_the_model_that_is_compiled_and_not_the_step(process):
    several = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--data.batch_size", 8)
    code, _, err = process("fit", *SMALL, *several, "--trainer.max_steps", 3, "--compile")
    assert code == 0, err
    assert "dynamo" not in err
