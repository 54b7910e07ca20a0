import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import optim

from litmore.data import NamesDataModule
from litmore.models import MLP
from litmore.training.lightning import LeanTrainer, remember_signature, skip_transfer

WORDS = [first + vowel + last for first in "bdfgklmn" for vowel in "aeiou" for last in "rst"]
QUIET = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")


class Doubled(MLP):
    """Its author has written a hook."""

    def on_after_batch_transfer(self, batch, dataloader_idx):
        x, y = batch
        return torch.cat([x, x]), torch.cat([y, y])


class Watch(Callback):
    """What a step saw: examples, the gradient's length, and what the Trainer answers."""

    def __init__(self):
        self.examples, self.lengths, self.answers = [], [], []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.examples.append(len(batch[0]))
        self.answers.append((trainer.training, trainer.lightning_module is pl_module))

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        parameters = [p for p in pl_module.parameters() if p.grad is not None]
        self.lengths.append(float(torch.nn.utils.get_total_norm([p.grad for p in parameters])))

    def on_validation_start(self, trainer, pl_module):
        self.answers.append((trainer.training, trainer.lightning_module is pl_module))


@pytest.fixture
def fit(tmp_path, word_file):
    """Two steps of a small model: what a callback saw, and the weights."""

    def fit(model=MLP, kind=LeanTrainer, lean=True, **flags):
        torch.manual_seed(0)
        data = NamesDataModule(word_file(WORDS), batch_size=8)
        made = model(data.vocabulary.characters, hidden_dim=5)
        made.configure_optimizers = lambda: optim.SGD(made.parameters(), lr=0.5)
        watch = Watch()
        quiet = dict.fromkeys(QUIET, False) | {"num_sanity_val_steps": 0}
        trainer = kind(
            accelerator="cpu", devices=1, default_root_dir=tmp_path, max_steps=2,
            val_check_interval=1, callbacks=[watch], **quiet, **flags,
        )  # fmt: skip
        if lean:
            skip_transfer(trainer, made, data)
            remember_signature(made)
        trainer.fit(made, data)
        return watch, [p.detach().clone() for p in made.parameters()]

    return fit


@pytest.mark.parametrize("flags", [{}, {"gradient_clip_val": 0.01}, {"accumulate_grad_batches": 2}])
def test_trains_as_without_any_of_it(fit, flags):
    lean, weights = fit(**flags)
    plain, expected = fit(kind=Trainer, lean=False, **flags)
    assert all(map(torch.equal, weights, expected))
    assert lean.examples == plain.examples
    assert lean.answers == plain.answers


def test_clips_where_it_is_asked_for(fit):
    _, start = fit(gradient_clip_val=1e-12)
    _, clipped = fit(gradient_clip_val=0.001)
    moved = torch.cat([(a - b).flatten() for a, b in zip(clipped, start, strict=True)]).norm()
    assert float(moved) <= 2 * 0.5 * 0.001 * 1.01  # two steps at this rate
    _, free = fit()
    assert not all(map(torch.allclose, free, clipped))


def test_a_transfer_hook_that_was_set_is_left(tmp_path, word_file):
    data = NamesDataModule(word_file(WORDS))
    model = MLP(data.vocabulary.characters)
    data.on_after_batch_transfer = lambda batch, dataloader_idx: batch
    skip_transfer(LeanTrainer(accelerator="cpu", default_root_dir=tmp_path), model, data)
    assert "_apply_batch_transfer_handler" not in vars(model)


@pytest.mark.filterwarnings("ignore:You have overridden")  # beside a data module, it tells
def test_a_transfer_hook_that_was_written_is_called(fit):
    watch, _ = fit(model=Doubled)
    assert watch.examples == [16, 16]
