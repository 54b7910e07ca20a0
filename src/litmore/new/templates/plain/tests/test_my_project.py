"""The rules that litmore asks of models and data; and that the config trains."""

from pathlib import Path

import pytest
from litmore.cli import main
from litmore.testing import check_data, check_model

from my_project.data import Waves
from my_project.model import Classifier


def data() -> Waves:
    return Waves(num_train=80, batch_size=16)


def test_the_model_keeps_the_rules() -> None:
    check_model(Classifier, data, channels=4)


def test_the_data_keep_the_rules() -> None:
    check_data(data)


def test_the_config_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = [
        "--trainer.max_epochs=1",
        "--data.num_train=80",
        f"--trainer.default_root_dir={tmp_path}",
    ]
    assert main(["fit", "--config=configs/my_project.yaml", *short]) == 0
    assert "val/loss" in capsys.readouterr().out
