"""A flag that there is not is answered by the one that is meant."""

import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[2] / "configs"
MLP = ("fit", "--config", CONFIGS / "mlp.yaml")

MAKEMORE = {
    "--input-file x": "is --data.path here",
    "-i x": "is --data.path here",
    "--work-dir x": "is --trainer.default_root_dir here",
    "-o x": "is --trainer.default_root_dir here",
    "--resume": "is --ckpt_path last here",
    "--sample-only": "is the command sample, with --ckpt_path best, here",
    "--num-workers 4": "has no counterpart here",
    "-n 4": "has no counterpart here",
    "-n4": "has no counterpart here",
    "--max-steps 9": "is --trainer.max_steps here",
    "--device cpu": "is --trainer.accelerator here",
    "--seed 3": "is --seed_everything here",
    "--top-k 5": "is --top_k of the command sample here",
    "--type gru": "is --model GRU here",
    "--type=bow": "is --model BagOfWords here",
    "--n-layer 4": "is --model.num_layers here",
    "--n-embd 64": "is --model.embedding_dim here",
    "--n-embd2 64": "is --model.hidden_dim here",
    "--n-head 4": "is --model.num_heads here, which this model has not",
    "--batch-size 32": "is --data.batch_size here",
    "-b 32": "is --data.batch_size here",
    "--learning-rate 5e-4": "is --optimizer.lr here",
    "--learning-rate=5e-4": "is --optimizer.lr here",
    "-l 5e-4": "is --optimizer.lr here",
    "--weight-decay 0.01": "is --optimizer.weight_decay here",
    "-w 0.01": "is --optimizer.weight_decay here",
}

OTHERS = {
    "--max_steps 9": "is --trainer.max_steps here",
    "--lr 0.1": "is --optimizer.lr here",
    "--batch_size 32": "is --data.batch_size here",
    "--hidden_dim 32": "is --model.hidden_dim here",
    "--pct_start 0": "is --lr_scheduler.pct_start here",
    "--epochs 3": "is --trainer.max_epochs here",
    "--samples false": "is --tensorboard.samples here",
    "--trainer.max_step 3": "no such setting; is trainer.max_steps meant?",
    "--optim.lr 3": "no such setting; is optimizer.lr meant?",
    "--hiden_dim 3": "no such setting; is model.hidden_dim meant?",
    "--model.hiden_dim 3": "no such setting; is hidden_dim meant?",
    "--bogus": "no such setting",
}


def told(command_line, *args):
    """The one line that a command line is refused with."""
    code, out, err = command_line(*args)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    return err.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize("given", MAKEMORE | OTHERS)
def test_fit_names_what_is_meant(command_line, given):
    flag = given[:2] if given[1] != "-" else given.split("=")[0].split(" ")[0]
    line = told(command_line, *MLP, *given.split(" "))
    assert line.startswith(f"{flag}: {(MAKEMORE | OTHERS)[given]}")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("--type transformer", "--type: is --model Transformer here"),
        ("--n-head 4", "--n-head: is --model.num_heads here"),
        ("--hidden_dim 4", "--hidden_dim: is --model.hidden_dim here"),
        ("--momentum 0.9", "--momentum: is --optimizer.momentum here"),
    ],
)
def test_without_a_config_any_class_may_be_meant(command_line, given, answer):
    assert told(command_line, "fit", *given.split()) == answer


def test_a_model_of_ones_own_has_its_settings(command_line, here, monkeypatch):
    monkeypatch.syspath_prepend(here)
    Path("hinted.py").write_text(
        "from litmore.models import MLP\n\n\nclass Own(MLP):\n"
        "    def __init__(self, vocabulary: str, block_size: int = 3, depth: int = 1):\n"
        "        super().__init__(vocabulary, block_size)\n"
    )
    Path("own.yaml").write_text("model: {class_path: hinted.Own}\n")
    line = told(command_line, "fit", "--config", "own.yaml", "--depth", 3)
    assert line == "--depth: is --model.depth here"


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("--top-k 5", "--top-k: is --top_k here"),
        ("--num-samples 5", "--num-samples: is --num_samples here"),
        ("--max-steps 5", "--max-steps: is --trainer.max_steps of fit here"),
        ("-l 5", "-l: is --optimizer.lr of fit here"),
        ("--type gru", "--type: is --model GRU of fit here"),
        ("--resume", "--resume: is --ckpt_path last here"),
        ("--topk 5", "--topk: no such setting; is top_k meant?"),
    ],
)
def test_sample_names_what_is_meant(command_line, given, answer):
    assert told(command_line, "sample", "--ckpt_path", "best", *given.split()) == answer


def test_a_class_of_another_kind_is_not_said_to_be_meant(command_line):
    assert told(command_line, "fit", "--data", "MLP") == "--data MLP: another kind of class"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("train", "is fit meant?"),
        ("generate", "is sample meant?"),
        ("tset", "is test meant?"),
        ("xyz", "there are fit, validate, test, predict, sample, plot"),
    ],
)
def test_a_command_that_there_is_not(command_line, command, answer):
    assert told(command_line, command, "--x").startswith(f"{command}: no such subcommand; {answer}")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("--seed_everything=3 fit", "--seed_everything: stands behind the command: python main.py"
         " fit --seed_everything=3 …"),
        ("--config x.yaml sweep --seeds 2", "--config: stands behind the command: python main.py"
         " sweep --config …"),
        ("--ckpt_path best sample", "--ckpt_path: stands behind the command: python main.py sample"
         " --ckpt_path …"),
        ("--seeds 2", "no subcommand is given; there are fit, "),
        ("-i names.txt -o names", "no subcommand is given; is fit meant?"),
        ("--type transformer", "no subcommand is given; is fit meant?"),
        ("-i names.txt --sample-only", "no subcommand is given; is sample meant?"),
    ],
)  # fmt: skip
def test_a_flag_before_the_command(command_line, line, answer):
    assert told(command_line, *line.split()).startswith(answer)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("fit --seed_everything", "--seed_everything: must be given a value"),
        ("fit --config", "--config: must be given a value"),
        ("fit --optimizer", "--optimizer: must be given a value"),
        ("sample --ckpt_path", "--ckpt_path: must be given a value"),
        ("plot --output", "--output: must be given a value"),
        ("sample --trust_config=1", "--trust_config: takes no value"),
    ],
)
def test_a_flag_and_its_value(command_line, line, answer):
    assert told(command_line, *line.split()) == answer


@pytest.mark.parametrize(("name", "code"), [("stdout", 1), ("stderr", 0)])
def test_a_closed_stream_ends_nothing_but_what_is_for_it(command_line, monkeypatch, name, code):
    monkeypatch.setattr(sys, name, None)
    assert command_line("--help")[0] == code
    getattr(sys, name).close()
    monkeypatch.setattr(sys, name, None)
    assert command_line("xyz")[0] == 2
    getattr(sys, name).close()


def test_what_lightning_takes_is_no_unknown_flag(command_line, capsys):
    flags = ["--freeze", "-a b", "--trainer.callbacks+=EarlyStopping",
             "--trainer.callbacks.monitor=val/loss",
             "--trainer.max_time.minutes", "3", "--data.split", "[-1,1,1]", "--optimizer.lr", "-1",
             "--model.init_args.hidden_dim=7", "--print_config=skip_null"]  # fmt: skip
    with pytest.raises(SystemExit, match="0"):
        command_line(*MLP, *flags)
    assert "hidden_dim: 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        (["fit", "--ckpt_path=last"], "--trainer.default_root_dir"),
        (["fit", "--model=MLP", "--init_from=best"], "--trainer.default_root_dir"),
        (["sample", "--ckpt_path=best"], "--default_root_dir"),
        (["export", "--ckpt_path=best", "--output=x"], "--default_root_dir"),
    ],
)
def test_where_else_a_run_may_be(command_line, command, flag):
    line = told(command_line, *command)
    assert line.endswith(f": no run in logs ({flag} says where else runs are)")
