"""The rules that litmore asks of models and data; and that the config trains."""

from pathlib import Path

import pytest
from litmore.cli import main
from litmore.data import NamesDataModule
from litmore.testing import check_data, check_model

from my_project.model import GRU

CORPUS = str(Path(__file__).parents[1] / "src" / "my_project" / "names.txt")


def test_the_model_keeps_the_rules() -> None:
    check_model(GRU, hidden_dim=24)


def test_the_data_keep_the_rules() -> None:
    check_data(lambda: NamesDataModule(CORPUS, view="words", max_words=200))


def test_the_config_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = [
        "--trainer.max_steps=3",
        "--data.max_words=300",
        f"--trainer.default_root_dir={tmp_path}",
    ]
    assert main(["fit", "--config=configs/my_project.yaml", *short]) == 0
    assert "val/loss" in capsys.readouterr().out
