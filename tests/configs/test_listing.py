"""The shipped configs, listed, shown and copied."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = {
    path.relative_to(ROOT / "configs").with_suffix("").as_posix()
    for path in (ROOT / "configs").rglob("*.yaml")
}


def test_each_has_its_line(command_line):
    code, out, err = command_line("configs")
    assert (code, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines.keys() == NAMES
    assert lines["mlp"].startswith("The MLP of Bengio et al.")
    assert not any("yaml-language-server" in said for said in lines.values())


def test_named_ones_are_shown(command_line):
    code, out, _ = command_line("configs", "mlp")
    assert (code, out) == (0, (ROOT / "configs" / "mlp.yaml").read_text())


def test_named_ones_are_copied_and_train(here, command_line):
    code, out, _ = command_line("configs", "bigram_counts", "trainer/csv", "--to", "own")
    assert (code, out) == (0, "own/bigram_counts.yaml\nown/trainer/csv.yaml\n")
    fit = ("fit", "--config=own/bigram_counts.yaml", "--config=own/trainer/csv.yaml")
    code, _, err = command_line(*fit, "--data.max_words=100", "--trainer.accelerator=cpu")
    assert code == 0, err


def test_all_are_copied_and_none_is_replaced(here, command_line):
    assert command_line("configs", "--to", "own")[0] == 0
    copied = {p.relative_to("own").with_suffix("").as_posix() for p in Path("own").rglob("*.yaml")}
    assert copied == NAMES
    Path("own/gru.yaml").unlink()
    Path("own/mlp.yaml").write_text("mine")
    code, out, err = command_line("configs", "gru", "mlp", "--to", "own")
    assert (code, out, err) == (2, "", "error: --to own: own/mlp.yaml is there already\n")
    assert Path("own/mlp.yaml").read_text() == "mine"
    assert not Path("own/gru.yaml").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["mpl"], "configs mpl: no such config; is mlp meant?"),
        (["../configs/mlp"], "configs ../configs/mlp: no such config"),
        (["mlp", "--to", "file"], "--to file: "),
        (["mlp", "--into", "x"], "--into: no such setting"),
    ],
)
def test_what_cannot_be_is_one_line(here, command_line, args, said):
    Path("file").write_text("")
    code, out, err = command_line("configs", *args)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
