"""A misspelt monitor is refused where the metric should have been."""

from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping

from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import MLP
from litmore.training.monitors import MonitorCheck

ROOT = Path(__file__).parents[2]
FIT = ["fit", "--config", ROOT / "configs" / "mlp.yaml", "--trainer.accelerator", "cpu"]
FIT += ["--trainer.max_steps", 30, "--trainer.val_check_interval", 10]
STOP = "--trainer.callbacks+=EarlyStopping"
KEEP = "--trainer.callbacks+=ModelCheckpoint"
PLATEAU = ["--lr_scheduler", "lightning.pytorch.cli.ReduceLROnPlateau"]

REFUSED = {
    "of EarlyStopping": (
        [STOP, "--trainer.callbacks.monitor=val_loss"],
        "EarlyStopping: monitors val_loss, which is not logged here; is val/loss meant?",
    ),
    "of ModelCheckpoint": (
        [KEEP, "--trainer.callbacks.monitor=loss"], "ModelCheckpoint: monitors loss",
    ),
    "without validation": (
        ["--data.split", "[1,0,0]", "--trainer.log_every_n_steps=1", STOP,
         "--trainer.callbacks.monitor=val/loss"],
        "monitors val/loss, which is not logged here; is train/loss meant?",
    ),
    "of the schedule": (
        [*PLATEAU, "--lr_scheduler.monitor", "val_loss"],
        "--lr_scheduler.monitor: monitors val_loss, which is not logged here; is val/loss meant?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("args", "named"), REFUSED.values(), ids=REFUSED)
def test_a_misspelt_monitor_is_refused(command_line, tmp_path, args, named):
    code, out, err = command_line(*FIT, *args)
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("error: ")
    assert named in last
    assert not (tmp_path / "logs").exists()


def test_what_a_model_logs_itself_may_be_monitored(trainer, word_file):
    class Own(MLP):
        def on_validation_epoch_end(self):
            super().on_validation_epoch_end()
            self.log("val/own", torch.tensor(1.0))

    data = NamesDataModule(word_file(["anna", "bob", "cleo", "dora", "emma"] * 9))
    model = Own(data.vocabulary)
    fitting = trainer(max_epochs=2, callbacks=[MonitorCheck(), EarlyStopping("val/own")])
    fitting.fit(model, data)
    assert fitting.current_epoch == 2
    with pytest.raises(InputError, match="is val/own meant"):
        trainer(max_epochs=1, callbacks=[MonitorCheck(), EarlyStopping("val/onw")]).fit(model, data)


@pytest.mark.parametrize(
    "flags",
    [
        ["--trainer.max_epochs=3", "--trainer.check_val_every_n_epoch=2"],
        ["--trainer.max_epochs=1", "--trainer.overfit_batches=1"],
    ],
    ids=["a validation is due later", "there is none"],
)
def test_a_named_metric_of_validation_is_waited_for(command_line, flags):
    args = ["--config", ROOT / "configs" / "bigram.yaml", "--monitor=val/accuracy"]
    few = ["--data.max_words=200", "--trainer.val_check_interval=null", "--trainer.max_steps=-1"]
    code, _, err = command_line("fit", *args, *few, "--trainer.accelerator=cpu", *flags)
    assert code == 0, err
