"""Configs by their names, in the place of files."""

from pathlib import Path

import pytest
import yaml

from litmore.cli.shipped import shipped, with_files
from litmore.errors import InputError

ROOT = Path(__file__).parents[2]


def test_a_name_is_a_config_from_any_folder(command_line):
    fit = ("fit", "--config", "bigram_counts", "--data.max_words=100", "--trainer.accelerator=cpu")
    code, _, err = command_line(*fit, "-c", "trainer/csv")
    assert code == 0, err
    run = Path("logs/bigram_counts/version_0")
    assert (run / "metrics.csv").is_file()
    begun = yaml.safe_load((run / "versions.yaml").read_text())["command"]
    assert str(ROOT / "configs" / "bigram_counts.yaml") in begun


def test_a_file_of_that_name_comes_first(here):
    assert with_files(["fit", "--config=mlp"]) == ["fit", f"--config={ROOT / 'configs/mlp.yaml'}"]
    Path("mlp").mkdir()
    assert with_files(["fit", "--config=mlp"]) == ["fit", f"--config={ROOT / 'configs/mlp.yaml'}"]
    Path("mlp").rmdir()
    Path("mlp").write_text("")
    assert with_files(["fit", "--config=mlp"]) == ["fit", "--config=mlp"]


def test_in_the_repository_it_is_the_file_that_one_would_type(monkeypatch):
    monkeypatch.chdir(ROOT)
    args = ["--config", "lecture/mlp", "sweep", "--search", "sweep/mlp", "--run_name", "mlp"]
    assert with_files(args) == [
        "--config", "configs/lecture/mlp.yaml", "sweep", "--search", "configs/sweep/mlp.yaml",
        "--run_name", "mlp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["model: MLP", "{}", "", "a" * 5000, "model:\n  class_path: x", "-", "~no-such-user/x"]
)
def test_what_is_no_name_is_left_to_the_parser(here, text):
    assert with_files(["fit", "--config", text]) == ["fit", "--config", text]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mpl", "; is mlp meant?"),
        ("configs/mlp.yaml", "; is mlp meant?"),
        ("lecture/mpl", "; is lecture/mlp meant?"),
        ("nothing like it", ""),
    ],
)
def test_a_misspelt_one_is_told(here, name, meant):
    with pytest.raises(InputError) as told:
        with_files(["fit", "--config", name])
    assert str(told.value) == f"--config {name}: no such file{meant}"


def test_each_is_a_file():
    assert shipped()["lecture/mlp"] == ROOT / "configs" / "lecture" / "mlp.yaml"
