"""The shipped configs."""

import re
from pathlib import Path

import pytest
import yaml

from litmore.runs.checkpoint import load_model

CONFIGS = Path(__file__).parents[1] / "configs"
TEXTS = ("enwik8", "shakespeare", "text8")
MODELS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
MODELS = [name for name in MODELS if name.split("_")[0] not in (*TEXTS, "micrograd")]
MODELS += ["trained/mixture"]
SHORT = ["--data.max_words=300", "--data.split=[0.8,0.1,0.1]", "--trainer.accelerator=cpu"]
TRAINED = "trained"
COUNTED = ("bigram_counts", "ngram", "trained/mixture")
"""They take no steps."""


@pytest.mark.parametrize("section", ["trainer", "data"])
def test_overlays_hold_nothing_else(section):
    for path in (CONFIGS / section).glob("*.yaml"):
        assert set(yaml.safe_load(path.read_text())) == {section}


def members(name):
    """What a mixture mixes: an n-gram, counted for it in this folder."""
    if name != "trained/mixture":
        return []
    from litmore.cli import main

    args = ["--config", str(CONFIGS / "ngram.yaml"), f"--run_name={TRAINED}", *SHORT]
    assert main(["fit", *args]) == 0
    return [f"--model.members=[logs/{TRAINED}/version_0]"]


QUICK = ("ngram", "transformer")
"""What the quick tests take of them."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.torture) for name in MODELS],
)
def test_every_config_trains_judges_and_draws_names(name, command_line):
    steps = (
        [] if name in ("bigram_counts", "ngram", "trained/mixture") else ["--trainer.max_steps=4"]
    )
    config = CONFIGS / f"{name}.yaml"
    more = [*SHORT, *steps, *members(name)]
    code, out, err = command_line("fit", "--config", config, *more)
    assert code == 0, err
    loss = float(re.search(r"val/loss +(\S+)", out)[1])
    assert loss < 4
    last = f"logs/{Path(name).name}/version_0/checkpoints/last.ckpt"
    code, out, err = command_line("validate", "--ckpt_path", last)
    assert code == 0, err
    assert float(re.search(r"val/loss +(\S+)", out)[1]) == pytest.approx(loss, abs=2e-4)
    code, out, err = command_line("sample", "--ckpt_path", last, "--num_samples", 7)
    assert code == 0, err
    assert len(out.splitlines()) == 7
    Path("words.txt").write_text("emma\n" + "abcdefghij" * 4 + "\n")  # longer than any place
    words = ["--data.predict_path", "words.txt"]
    code, out, err = command_line("predict", "--ckpt_path", last, *words)
    assert code == 0, err
    assert [line.split(",")[0] for line in out.splitlines()] == ["word", "emma", "abcdefghij" * 4]
    first = next(iter(config.read_text().splitlines()))
    assert first.startswith("# ")
    parameters = sum(each.numel() for each in load_model(Path(last)).parameters())
    said = re.search(r"([\d,]+) parameters", first)
    assert said is None or int(said[1].replace(",", "")) == parameters


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.torture] * (name != "shakespeare")) for name in TEXTS],
)
def test_every_config_of_running_text(name, command_line):
    config = CONFIGS / f"{name}.yaml"
    code, _, err = command_line("fit", "--config", config, "--data.url=null", "--data.path=none")
    assert (code, err.splitlines()[-1].endswith("/none: no such file; give a text file")) == (
        2,
        True,
    )
    Path("text").write_text("to be, or not to be\n" * 200)
    more = ["--data.path=text", "--data.sha256=null", "--trainer.max_steps=2", *SHORT[2:]]
    more += ["--data.batch_size=2", "--model.hidden_dim=8"]
    code, out, err = command_line("fit", "--config", config, *more)
    assert code == 0, err
    assert re.search(r"val/bits_per_byte +\d", out)


def test_what_stands_beside_nanogpt(command_line):
    """The commands of docs/shakespeare.md, of a text that is here."""
    Path("text").write_text("to be, or not to be, that is the question\n" * 200)
    of_it = ["--data.path=text", "--data.sha256=null", "--trainer.accelerator=cpu"]
    tiny = ["--model.embedding_dim=8", "--trainer.max_steps=2", "--data.batch_size=2"]
    for name, more in (
        ("shakespeare_ngram", []),
        ("shakespeare_lstm", [*tiny, "--model.hidden_dim=8"]),
        ("shakespeare_transformer", tiny),
    ):
        code, _, err = command_line("fit", f"--config={CONFIGS}/{name}.yaml", *of_it, *more)
        assert code == 0, err
    members = ["shakespeare_ngram", "shakespeare_lstm", "shakespeare_transformer"]
    flag = f"--model.members={[f'logs/{name}/version_0' for name in members]}"
    code, _, err = command_line("fit", f"--config={CONFIGS}/trained/shakespeare.yaml", *of_it, flag)
    assert code == 0, err
    given = yaml.safe_load((CONFIGS / "trained/shakespeare.yaml").read_text())["model"]["init_args"]
    said = [float(weight) for weight in re.findall(r"(0\.\d{3}) (?:NGram|LSTM|Transformer)", err)]
    assert said == pytest.approx([w / sum(given["weights"]) for w in given["weights"]], abs=1e-3)
    code, out, err = command_line(
        "test", "--ckpt_path=logs/shakespeare/version_0/checkpoints/last.ckpt"
    )
    assert code == 0, err
    assert float(re.search(r"test/loss +(\S+)", out)[1]) < 1
