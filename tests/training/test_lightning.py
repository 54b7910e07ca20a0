"""What litmore relies on of Lightning's insides, thing by thing; and what it does with it.

A new Lightning that fails here fails in `litmore.training.lightning` alone: each sentence says what
was relied on.
"""

import inspect
import signal

import pytest
import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.strategies import DDPStrategy, FSDPStrategy, ModelParallelStrategy
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from lightning.pytorch.strategies.strategy import _ForwardRedirection
from torch import nn, optim

from litmore.data import NamesDataModule
from litmore.models import MLP
from litmore.training.lightning import (
    STEP_HOOKS,
    TRANSFER_HOOKS,
    CheapSteps,
    class_paths,
    compile_forward,
    config_jsonschema,
    copies_process,
    leave_signals,
)

WORDS = [first + vowel + last for first in "bdfgklmn" for vowel in "aeiou" for last in "rst"]


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


class Look(Callback):
    """Keeps what a question about the Trainer is answered in a hook."""

    def __init__(self, question, hook="on_train_batch_end"):
        self.answers = []
        setattr(self, hook, lambda trainer, *_, **__: self.answers.append(question(trainer)))


@pytest.fixture
def fit(trainer, word_file):
    """Two steps of a small model, validated after each: what a callback saw, and the weights."""

    def fit(model=MLP, lean=True, watch=None, max_steps=2, **flags):
        torch.manual_seed(0)
        data = NamesDataModule(word_file(WORDS), batch_size=8)
        made = model(data.vocabulary, hidden_dim=5)
        made.configure_optimizers = lambda: optim.SGD(made.parameters(), lr=0.5)
        watch = watch or Watch()
        callbacks = [watch, CheapSteps()] if lean else [watch]
        flags = {"val_check_interval": 1, "num_sanity_val_steps": 0} | flags
        trainer(max_steps=max_steps, callbacks=callbacks, **flags).fit(made, data)
        return watch, [p.detach().clone() for p in made.parameters()]

    return fit


# What each private thing is relied on for


def test_hooks_of_a_step_are_those_of_callbacks_and_models():
    for hook in STEP_HOOKS:
        assert hasattr(Callback, hook), f"the Trainer no longer calls {hook} on callbacks"
        assert hasattr(LightningModule, hook), f"the Trainer no longer calls {hook} on models"
    for hook in TRANSFER_HOOKS:
        assert hasattr(LightningModule, hook), f"batches no longer go through {hook}"


def test_a_hook_that_is_none_is_skipped(fit):
    calls = Look(lambda trainer: trainer.callbacks[0].on_after_backward)
    fit(watch=calls)
    assert calls.answers == [None, None], "a hook set to None on a callback is not left alone"


def test_batches_reach_a_device_through_two_methods_of_the_model():
    for name in ("_on_before_batch_transfer", "_apply_batch_transfer_handler"):
        method = getattr(LightningModule, name, None)
        assert method is not None, f"batches no longer go through LightningModule.{name}"
        first = list(inspect.signature(method).parameters)[1]
        assert first == "batch", f"{name} no longer takes the batch first"


def test_the_current_hook_is_kept_in_an_attribute_of_the_model(fit):
    current = Look(lambda trainer: vars(trainer.lightning_module).get("_current_fx_name", "gone"))
    fit(watch=current)
    told = "the model no longer keeps its hook's name in _current_fx_name"
    assert current.answers[0] == "on_train_batch_end", told


def test_signals_are_a_connectors_and_what_slurm_saved_anothers(trainer, tmp_path):
    made = trainer()
    for owner, name in (
        (made._signal_connector, "register_signal_handlers"),
        (made._checkpoint_connector, "_hpc_resume_path"),
        (made.fit_loop.epoch_loop, "_broadcast_sigterm_tensor"),
    ):
        assert hasattr(owner, name), f"the Trainer's {type(owner).__name__} has no {name} any more"
    (tmp_path / "hpc_ckpt_1.ckpt").touch()
    assert made._checkpoint_connector._hpc_resume_path, "Slurm's checkpoint is found otherwise"
    before = signal.getsignal(signal.SIGTERM)
    leave_signals(made)
    made._signal_connector.register_signal_handlers()
    assert signal.getsignal(signal.SIGTERM) is before
    assert made._checkpoint_connector._hpc_resume_path is None
    assert not made.received_sigterm


def test_the_epoch_loop_tells_whether_a_validation_is_due(fit):
    def due(trainer):
        return trainer.fit_loop.epoch_loop._should_check_val_fx(trainer.fit_loop._data_fetcher)

    due = Look(due)
    fit(watch=due, max_steps=4, val_check_interval=2)
    assert due.answers == [False, True, False, True], "_should_check_val_fx answers otherwise"


def test_the_loops_count_the_batches_that_stepped(fit):
    stepped = Look(lambda trainer: trainer.fit_loop.epoch_loop._batches_that_stepped)
    fit(watch=stepped, max_steps=3, val_check_interval=1.0)
    assert stepped.answers == [0, 1, 2], "_batches_that_stepped is no longer the step to log"


def test_a_checkpoint_tells_where_the_loops_stand(trainer, word_file, tmp_path):
    data = NamesDataModule(word_file(WORDS), batch_size=8)
    fitting = trainer(max_steps=2)
    fitting.fit(MLP(data.vocabulary, hidden_dim=5), data)
    fitting.save_checkpoint(tmp_path / "a.ckpt")
    loops = torch.load(tmp_path / "a.ckpt", weights_only=True)["loops"]["fit_loop"]
    counts = {"ready", "started", "processed", "completed"}
    for batches in ("epoch_loop.batch_progress", "epoch_loop.val_loop.batch_progress"):
        for span in ("total", "current"):
            assert set(loops[batches][span]) == counts, f"{batches} is counted otherwise"
    assert "_batches_that_stepped" in loops["epoch_loop.state_dict"]


def test_a_loop_that_goes_on_says_so(fit):
    look = Look(lambda trainer: (trainer.fit_loop.restarting, trainer.fit_loop._restarting))
    fit(watch=look)
    assert look.answers[0] == (False, False), "_restarting is no longer what `restarting` reads"


def test_a_loader_that_is_asked_for_early_can_be_made_anew(fit):
    class Early(Callback):
        def on_fit_start(self, trainer, pl_module):
            trainer.fit_loop.setup_data()
            first = trainer.fit_loop._combined_loader
            trainer.fit_loop._combined_loader = None
            trainer.fit_loop.setup_data()
            self.answers = [first, trainer.fit_loop._combined_loader]

    early = Early()
    fit(watch=early)
    first, second = early.answers
    assert first is not None, "setup_data no longer keeps its loader in _combined_loader"
    assert second not in (None, first), "setup_data makes none where _combined_loader is None"


def test_averaging_keeps_the_state_of_its_schedule_until_it_makes_one():
    swa = StochasticWeightAveraging(swa_lrs=0.1)
    told = "the restored state is no longer in _scheduler_state"
    assert swa._scheduler_state is None, told
    swa.load_state_dict({**swa.state_dict(), "scheduler_state": {"last_epoch": 3}})
    assert swa._scheduler_state == {"last_epoch": 3}, told


def test_metrics_of_a_step_can_be_written_at_once(fit):
    name = "update_train_step_metrics"
    there = Look(lambda trainer: callable(getattr(trainer._logger_connector, name, None)))
    fit(watch=there)
    assert there.answers[0], f"_logger_connector has no {name}"


def test_several_processes_ask_for_signals_in_one_method(fit):
    there = Look(lambda trainer: hasattr(trainer.fit_loop.epoch_loop, "_broadcast_sigterm_tensor"))
    fit(watch=there)
    assert there.answers[0], "the epoch loop has no _broadcast_sigterm_tensor"


class Wrapped(nn.Module):
    """Calls a model as DDP does."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args):
        return self.model(*args)


def test_on_several_processes_a_step_takes_the_place_of_forward_and_is_not_compiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda call: lambda x: ("compiled", x))
    model = MLP("ab", hidden_dim=5)
    compile_forward(model)
    assert model(1) == ("compiled", 1)
    model.validation_step = lambda x: ("step", model.forward.__name__, model(x))
    for _ in range(2):
        told = _ForwardRedirection()(Wrapped(model), model, "validation_step", 1)
        assert told == ("step", "forward", ("compiled", 1))
    assert model(1) == ("compiled", 1)


def test_callbacks_say_when_they_look_at_what_they_monitor(trainer):
    stopping = EarlyStopping("val/loss", check_on_train_epoch_end=True)
    assert stopping._check_on_train_epoch_end is True
    keeping = ModelCheckpoint(monitor="val/loss", save_on_train_epoch_end=True)
    assert keeping._should_save_on_train_epoch_end(trainer()) is True


PRIVATE_OF_THE_CLI = (
    "_add_subcommands",
    "_add_configure_optimizers_method_to_model",
    "_get",
    "_parse_ckpt_path",
    "_parser",
    "_prepare_subcommand_kwargs",
    "_run_subcommand",
)


@pytest.mark.parametrize("name", PRIVATE_OF_THE_CLI)
def test_the_command_line_is_made_of_these_parts(name):
    assert callable(getattr(LightningCLI, name, None)), f"LightningCLI has no {name}"


def test_a_parser_knows_which_classes_a_setting_may_name():
    parser = LightningArgumentParser()
    parser.add_optimizer_args()
    found = class_paths(parser, "optimizer")
    assert "torch.optim.AdamW" in found
    assert "torch.optim.Optimizer" not in found, "that one is there to be subclassed"


def test_a_class_that_lightning_makes_for_an_optimizer_has_no_path():
    LightningOptimizer(optim.SGD(nn.Linear(1, 1).parameters()))
    parser = LightningArgumentParser()
    parser.add_optimizer_args()
    assert not [path for path in class_paths(parser, "optimizer") if "Lightning" in path]


def test_a_schema_is_made_class_by_class_and_goes_no_deeper():
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(Callback, "callback", subclass_mode=True)
    schema = config_jsonschema(parser)
    assert schema["properties"].keys() >= {"callback"}
    assert schema["$defs"].keys() == {"Callback"}, "no module of torch that a callback may take"
    of = {
        each["properties"]["class_path"]["const"]: each["properties"]["init_args"].get("properties")
        for each in schema["$defs"]["Callback"]["anyOf"]
        if "properties" in each
    }
    assert of["lightning.pytorch.callbacks.EarlyStopping"]["patience"]["type"] == "integer"
    pruned = of["lightning.pytorch.callbacks.ModelPruning"]["parameters_to_prune"]
    assert {"type": ["string", "object"]} in pruned["items"]["prefixItems"]


# What becomes of it


@pytest.mark.parametrize("flags", [{}, {"gradient_clip_val": 0.01}, {"accumulate_grad_batches": 2}])
def test_trains_as_without_any_of_it(fit, flags):
    lean, weights = fit(**flags)
    plain, expected = fit(lean=False, **flags)
    assert all(map(torch.equal, weights, expected))
    assert lean.examples == plain.examples
    assert lean.lengths == plain.lengths
    assert lean.answers == plain.answers


def test_clips_where_it_is_asked_for(fit):
    _, start = fit(gradient_clip_val=1e-12)
    _, clipped = fit(gradient_clip_val=0.001)
    moved = torch.cat([(a - b).flatten() for a, b in zip(clipped, start, strict=True)]).norm()
    assert float(moved) <= 2 * 0.5 * 0.001 * 1.01  # two steps at this rate
    _, free = fit()
    assert not all(map(torch.allclose, free, clipped))


def test_a_transfer_hook_that_was_set_is_left(trainer, word_file):
    data = NamesDataModule(word_file(WORDS), batch_size=8)
    seen = []
    data.on_after_batch_transfer = lambda batch, dataloader_idx: seen.append(batch) or batch
    model = MLP(data.vocabulary, hidden_dim=5)
    trainer(max_steps=2, limit_val_batches=0, callbacks=[CheapSteps()]).fit(model, data)
    assert len(seen) == 2


@pytest.mark.filterwarnings("ignore:You have overridden")  # beside a data module, it tells
def test_a_transfer_hook_that_was_written_is_called(fit):
    watch, _ = fit(model=Doubled)
    assert watch.examples == [16, 16]


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_all_is_as_it_was(trainer, word_file, fails):
    class Crash(Callback):
        def on_train_batch_end(self, *_):
            if fails:
                raise ZeroDivisionError

    data = NamesDataModule(word_file(WORDS), batch_size=8)
    model, crash = MLP(data.vocabulary, hidden_dim=5), Crash()
    before = set(vars(MLP))
    fitting = trainer(max_steps=2, limit_val_batches=0, callbacks=[crash, CheapSteps()])
    try:
        fitting.fit(model, data)
    except ZeroDivisionError:
        assert fails
    assert set(vars(MLP)) == before
    assert not set(STEP_HOOKS) & (set(vars(crash)) | set(vars(model)))
    assert not {"_on_before_batch_transfer", "_apply_batch_transfer_handler"} & set(vars(model))


# Several processes


@pytest.mark.parametrize("strategy", [DDPStrategy, FSDPStrategy, ModelParallelStrategy])
def test_a_strategy_says_how_it_would_connect(strategy):
    made = strategy(timeout=torch.distributed.default_pg_timeout)
    assert made._timeout == torch.distributed.default_pg_timeout
    assert callable(made._get_process_group_backend)


@pytest.mark.parametrize("name", ["ddp_spawn", "ddp_fork"])
def test_copies_of_a_process_have_a_launcher_of_their_own(trainer, name):
    made = trainer(strategy=name)
    assert type(made.strategy.launcher) is _MultiProcessingLauncher
    assert copies_process(made)
    assert not copies_process(trainer(strategy="ddp"))
    assert not copies_process(trainer())
