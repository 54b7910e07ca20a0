"""Several optimizer steps a Trainer batch: the same training, step for step."""

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import optim

from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import MLP, CountBigram

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{message}")
    for message in (
        "smaller than the logging interval",
        "exists and is not empty",
        "contains the key",  # of Lightning, just before litmore refuses
        "Using ModelCheckpoint with manual",
        "Be aware that when using",
    )
]


class Scheduled(MLP):
    """An MLP with a schedule of its own."""

    def configure_optimizers(self):
        optimizer = optim.SGD(self.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.MultiStepLR(optimizer, [7, 11], 0.5)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class Plateau(MLP):
    def configure_optimizers(self):
        optimizer = optim.SGD(self.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "monitor": "val/loss"},
        }


@pytest.fixture
def fit(trainer, tmp_path):
    """Train on 60 words; the rows a logger gets, and the model."""

    def fit(bundle, cls=Scheduled, *, view="windows", ckpt_path=None, **flags):
        data = NamesDataModule(max_words=60, batch_size=16, view=view, bundle=bundle)
        torch.manual_seed(0)
        model = cls(data.vocabulary.characters)
        logger = CSVLogger(tmp_path, flush_logs_every_n_steps=1)
        flags = {"max_steps": 30, "log_every_n_steps": 3} | flags
        run = trainer(logger=logger, **flags)
        run.fit(model, data, ckpt_path=ckpt_path)
        rows = logger.experiment.metrics
        train = [(r["step"], r["epoch"], r["train/loss"]) for r in rows if "train/loss" in r]
        val = [(r["step"], r["val/loss"]) for r in rows if "val/loss" in r]
        return run, model, train, val

    return fit


def weights(model):
    return {name: value for name, value in model.state_dict().items() if "eval" not in name}


def assert_same_weights(one, other):
    torch.testing.assert_close(weights(one), weights(other), rtol=0, atol=0)


@pytest.mark.parametrize("bundle", [2, 7, 1000])
@pytest.mark.parametrize("view", ["windows", "counts"])
def test_steps_schedule_logging_and_weights_are_those_of_single_batches(fit, bundle, view):
    run, model, train, val = fit(1, view=view, num_sanity_val_steps=0)
    bundled_run, bundled, bundled_train, bundled_val = fit(
        bundle, view=view, num_sanity_val_steps=0
    )
    assert bundled_run.global_step == run.global_step == 30
    assert bundled_run.current_epoch == run.current_epoch
    assert_same_weights(model, bundled)
    assert bundled_train == train
    assert bundled_val == val
    lrs = [r.optimizers[0].param_groups[0]["lr"] for r in (run, bundled_run)]
    assert lrs[0] == lrs[1] == pytest.approx(0.025)


@pytest.mark.parametrize("stop", [5, 12, 26])
def test_stopped_inside_a_bundle_it_goes_on_as_if_it_had_not(fit, tmp_path, stop):
    save = ModelCheckpoint(tmp_path, filename="stopped", every_n_train_steps=1)
    _, straight, *_ = fit(10, max_steps=40)
    fit(10, max_steps=stop, callbacks=[save], enable_checkpointing=True)
    run, resumed, *_ = fit(10, max_steps=40, ckpt_path=tmp_path / "stopped.ckpt")
    assert run.global_step == 40
    assert_same_weights(straight, resumed)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("gradient_clip_val", 1.0),
        ("accumulate_grad_batches", 2),
        ("limit_train_batches", 3),
        ("val_check_interval", 2),
    ],
)
def test_refuses_flags_that_go_by_batches(fit, flag, value):
    with pytest.raises(InputError, match=f"--trainer.{flag}: goes by single batches"):
        fit(2, **{flag: value})


def test_refuses_a_schedule_of_epochs(fit):
    with pytest.raises(InputError, match="plateau"):
        fit(2, Plateau)


def test_refuses_a_model_that_takes_no_steps(trainer):
    data = NamesDataModule(max_words=60, block_size=1, bundle=2)
    with pytest.raises(InputError, match="takes no optimizer steps"):
        trainer(max_epochs=1).fit(CountBigram(data.vocabulary.characters), data)


def test_overfitting_a_batch_takes_it_alone(fit):
    run, *_ = fit(10, overfit_batches=1, max_steps=5)
    assert run.global_step == 5
    assert run.num_training_batches == 1


def test_one_step_is_one_step(fit):
    run, *_ = fit(10, max_steps=1)
    assert run.global_step == 1
    run, *_ = fit(10, fast_dev_run=True)
    assert run.global_step == 1
