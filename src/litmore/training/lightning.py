"""All that litmore knows of the insides of Lightning and its command line, as plain functions.

`tests/training/test_lightning.py` says of each private name what is relied on.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from inspect import signature
from sys import modules
from traceback import walk_tb
from typing import Any

import torch
from jsonargparse._completions_jsonschema import ParserJsonschema
from jsonargparse._typehints import get_all_subclass_paths, get_class_types
from jsonargparse._util import get_import_path
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import (
    EarlyStopping,
    GradientAccumulationScheduler,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from lightning.pytorch.trainer.connectors.checkpoint_connector import _CheckpointConnector
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector
from torch import Tensor, nn
from torch.distributed import Store  # type: ignore[attr-defined]
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR

from litmore.data.loader import BatchLoader
from litmore.steps import total_steps, validates
from litmore.training.rendezvous import has_agents_store

# What a step costs


STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
"""What the Trainer calls at every step on each callback and on the model."""

TRANSFER_HOOKS = (
    "on_before_batch_transfer",
    "transfer_batch_to_device",
    "on_after_batch_transfer",
)
"""What it asks the model and the data for on a batch's way to its device."""


class CheapSteps(Callback):
    """Take out of a fit's steps what would do nothing; afterwards all is as it was.

    A step of the lectures' MLP takes a quarter of a millisecond, and calling what does nothing
    takes the Trainer as long. `benchmarks/step_overhead.py` measures what each part saves.
    """

    def __init__(self) -> None:
        self._changed = ExitStack()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._changed.close()
        if stage != "fit":
            return
        data: LightningDataModule | None = getattr(trainer, "datamodule", None)
        self._skip_empty_hooks(trainer, pl_module)
        self._skip_transfer(trainer, pl_module, data)
        self._set_at_once(type(pl_module), "_current_fx_name")
        self._answer_once(trainer, type(pl_module).training_step)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._changed.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._changed.close()

    def _skip_empty_hooks(self, trainer: Trainer, model: LightningModule) -> None:
        """Of the hooks that nobody has written; the Trainer calls none that is None."""
        owners: list[tuple[object, type]] = [(model, LightningModule)]
        owners += [(each, Callback) for each in trainer.callbacks]  # type: ignore[attr-defined]
        for owner, base in owners:
            for hook in STEP_HOOKS:
                if not _is_written(hook, owner, base):
                    self._set(owner, hook, None)

    def _skip_transfer(
        self, trainer: Trainer, model: LightningModule, data: LightningDataModule | None
    ) -> None:
        """Leave batches where they are, if that is where they go and nobody wrote the hooks."""
        written = [
            _is_written(hook, owner, base)
            for owner, base in ((model, LightningModule), (data, LightningDataModule))
            for hook in TRANSFER_HOOKS
            if owner is not None
        ]
        if trainer.strategy.root_device.type == "cpu" and not any(written):
            for name in ("_on_before_batch_transfer", "_apply_batch_transfer_handler"):
                self._set(model, name, _as_it_is)

    def _answer_once(self, trainer: Trainer, training_step: Callable[..., Any]) -> None:
        """Of what is asked at each step: which arguments the step takes, and who profiles it."""
        self._set(training_step, "__signature__", signature(training_step))
        if type(trainer.profiler) is PassThroughProfiler:  # type: ignore[attr-defined]
            self._set(trainer, "profiler", _NoProfiler())

    def _set_at_once(self, model: type[nn.Module], attribute: str) -> None:
        """The Trainer sets it forty times a step; torch would look for it among the parameters."""
        as_before = model.__setattr__

        def setattr_(self: nn.Module, name: str, value: Any) -> None:
            if name == attribute:
                self.__dict__[name] = value
            else:
                as_before(self, name, value)

        self._set(model, "__setattr__", setattr_)

    def _set(self, owner: object, name: str, value: Any) -> None:
        if name in vars(owner):
            self._changed.callback(setattr, owner, name, vars(owner)[name])
        else:
            self._changed.callback(delattr, owner, name)
        setattr(owner, name, value)


class _NoProfiler(PassThroughProfiler):
    """Lightning's way not to profile makes a new context manager sixteen times a step."""

    _nothing = nullcontext()

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        return self._nothing


def _is_written(hook: str, owner: object, base: type) -> bool:
    """Whether a hook is another than the library's empty one, in a class or on the object."""
    return getattr(type(owner), hook) is not getattr(base, hook) or hook in vars(owner)


def _as_it_is(batch: Any, **_: Any) -> Any:
    return batch


# Where a training stands, to the batch


def validation_is_due(trainer: Trainer) -> bool:
    """Whether the Trainer validates after this batch."""
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    is_due: bool = trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher)
    return is_due and validates(trainer)


def looks_after_epoch(callback: Callback, trainer: Trainer) -> bool:
    """Whether a callback looks at what it monitors after an epoch, and not after a validation."""
    if isinstance(callback, EarlyStopping):
        return bool(callback._check_on_train_epoch_end)
    if isinstance(callback, ModelCheckpoint):
        return bool(callback._should_save_on_train_epoch_end(trainer))
    return False


def finish_batch(
    checkpoint: dict[str, Any], *, in_step: bool = False, validation_is_due: bool = False
) -> None:
    """Let a checkpoint tell the batch at hand as finished, and the validation as done or due.

    The Trainer would take up a batch in the middle of its hooks, and leave out its validation.

    Args:
        checkpoint: as the Trainer fills it.
        in_step: it is saved in `on_train_batch_end`.
        validation_is_due: it is saved before the end of a validation, which is to begin anew.

    """
    progress = checkpoint["loops"]["fit_loop"]
    if in_step:
        for counts in ("total", "current"):
            of = progress["epoch_loop.batch_progress"][counts]
            of["completed"] = of["processed"]
        progress["epoch_loop.state_dict"]["_batches_that_stepped"] += not validation_is_due
    validated = progress["epoch_loop.val_loop.batch_progress"]
    total = validated["total"]
    total.update(dict.fromkeys(("started", "processed", "completed"), total["ready"]))
    if validation_is_due:
        validated["current"] = dict.fromkeys(validated["current"], 0)
        total.update(ready=total["ready"] + 1, started=total["ready"] + 1)


def restore_position(trainer: Trainer) -> None:
    """Put right, when training starts, what the Trainer does not restore of where it stands."""
    fit_loop, epoch_loop = trainer.fit_loop, trainer.fit_loop.epoch_loop
    if epoch_loop.restarting:
        _count_in_batches_of_now(trainer)
    if trainer.lightning_module.automatic_optimization:
        # Where logging stands. The Trainer first finishes a batch whose validation was due.
        again = epoch_loop.restarting and validation_is_due(trainer)
        epoch_loop._batches_that_stepped = trainer.global_step - again
    # Left set, the epoch's end would skip the step of a plateau schedule.
    fit_loop._restarting = False
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        _take_up(callback, trainer)


def _count_in_batches_of_now(trainer: Trainer) -> None:
    """Of an epoch that goes on with more processes, or fewer, the batches were of another size."""
    loader = trainer.fit_loop._combined_loader
    assert loader is not None
    served = [each.served for each in loader.flattened if isinstance(each, BatchLoader)]
    current = trainer.fit_loop.epoch_loop.batch_progress.current
    if served and current.ready:
        more = served[0] - current.ready
        for name in ("ready", "started", "processed", "completed"):
            setattr(current, name, getattr(current, name) + more)


def _take_up(callback: Callback, trainer: Trainer) -> None:
    """What callbacks do at the start of an epoch, which is none where one goes on in its middle."""
    model = trainer.lightning_module
    if isinstance(callback, GradientAccumulationScheduler):
        trainer.accumulate_grad_batches = callback.get_accumulate_grad_batches(
            trainer.current_epoch
        )
    elif isinstance(callback, StochasticWeightAveraging) and callback._scheduler_state is not None:
        groups = trainer.optimizers[0].param_groups
        rates = [group["lr"] for group in groups]
        callback.on_train_epoch_start(trainer, model)  # it makes its schedule, which takes a step
        for group, lr in zip(groups, rates, strict=True):
            group["lr"] = lr


def training_length(trainer: Trainer, checkpoint: Mapping[str, Any]) -> int | None:
    """The optimizer steps of the whole training, where they are asked for before it; None: no end.

    Counting epochs takes the data.

    Args:
        trainer: the Trainer.
        checkpoint: what it goes on from, maybe with batches of another size; empty: nothing.

    """
    if trainer.max_epochs == -1:
        return total_steps(trainer)
    trainer.fit_loop.setup_data()
    steps = total_steps(trainer)
    left = _steps_left(trainer, checkpoint)
    if left is not None and (steps is None or trainer.max_steps < 0 or steps < trainer.max_steps):
        steps = checkpoint["global_step"] + left
        steps = steps if trainer.max_steps < 0 else min(steps, trainer.max_steps)
    trainer.fit_loop._combined_loader = None  # made anew, it takes a checkpoint's state
    return steps


def _steps_left(trainer: Trainer, checkpoint: Mapping[str, Any]) -> int | None:
    """Optimizer steps until the last epoch's end; None: the batches are as large as before."""
    assert trainer.fit_loop._combined_loader is not None
    [loader, *_] = trainer.fit_loop._combined_loader.flattened
    progress = checkpoint.get("loops", {}).get("fit_loop", {}).get("state_dict", {})
    [state, *_] = progress.get("combined_loader") or [{}]
    if not isinstance(loader, BatchLoader) or "global_batch" not in state:
        return None
    if state["global_batch"] == loader.global_batch:
        return None
    loader.load_state_dict(state)
    batches, every = trainer.num_training_batches, trainer.accumulate_grad_batches
    left, epochs = batches - loader.served, trainer.max_epochs - state["epoch"] - 1
    return int(-(-left // every) + epochs * -(-batches // every))


def move_along_curve(schedule: Any) -> None:
    """Give the optimizer the rate of where a schedule stands, if its curve is a function of that.

    A schedule does so after each step alone.
    """
    if isinstance(schedule, OneCycleLR | CyclicLR):
        with warnings.catch_warnings():  # torch advises to ask for the last rate
            warnings.simplefilter("ignore")
            rates = schedule.get_lr()
        for group, lr in zip(schedule.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr


def flush_logs(trainer: Trainer) -> None:
    """Write now what the Trainer would write after the batch at hand."""
    trainer._logger_connector.update_train_step_metrics()
    for logger in trainer.loggers:
        logger.save()


def leave_signals(trainer: Trainer) -> None:
    """Let the Trainer handle no signal, nor go on by itself from what it saved at one.

    Its handlers may save in the middle of a step, and wait for other processes there. What all ask
    each other at every step, whether the first one got SIGTERM, is not asked either.
    """
    trainer._signal_connector.__class__ = _NoSignals
    trainer._checkpoint_connector.__class__ = _NamedCheckpoints
    trainer.fit_loop.epoch_loop.__class__ = _UnaskedSteps


class _NoSignals(_SignalConnector):
    def register_signal_handlers(self) -> None:
        pass


class _NamedCheckpoints(_CheckpointConnector):
    _hpc_resume_path = None  # under Slurm, whichever such file lies in the logs folder


class _UnaskedSteps(_TrainingEpochLoop):
    def _broadcast_sigterm_tensor(self) -> None:
        pass


# What is restored


def loop_states(trainer: Trainer, command: str) -> dict[str, Any]:
    """What the Trainer restores of its loops for a command, as it would save it now."""
    name = f"{command}_loop"
    return {name: getattr(trainer, name).state_dict()}


def restores(error: BaseException) -> bool:
    """Whether it was raised while the Trainer restored a checkpoint."""
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_code in _RESTORING for frame in frames)


_RESTORING = {
    _CheckpointConnector._restore_modules_and_callbacks.__code__,
    _CheckpointConnector.restore_training_state.__code__,
}


# Several processes


def copies_process(trainer: Trainer) -> bool:
    """Whether the Trainer runs in copies of this process, and brings little of them back."""
    return type(trainer.strategy.launcher) is _MultiProcessingLauncher


def before_connecting(trainer: Trainer, do: Callable[..., Store]) -> None:
    """Do something on each process before they are connected: no logger or hook comes earlier.

    It is given the cluster environment, and how long to wait, where that is set; the store that it
    returns is held until then. It is pickled where processes are spawned; where those of one
    machine are launched from here, all are told the same, and nothing is done.
    """
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if environment is None or trainer.world_size == 1:
        return
    if trainer.num_nodes > 1 or not isinstance(environment, LightningEnvironment):
        connect = partial(_connect, trainer.strategy, do)
        trainer.strategy.setup_environment = connect  # type: ignore[method-assign]


def _connect(strategy: Any, do: Callable[..., Store]) -> None:
    if hasattr(strategy, "set_world_ranks"):
        strategy.set_world_ranks()
    environment = strategy.cluster_environment
    wait = getattr(strategy, "_timeout", None)
    store = do(environment) if wait is None else do(environment, wait)
    if has_agents_store() and hasattr(strategy, "_get_process_group_backend"):
        # Lightning would meet in torchrun's own store, where the dead of a restart have been.
        torch.distributed.init_process_group(
            strategy._get_process_group_backend(),
            store=store,
            rank=environment.global_rank(),
            world_size=environment.world_size(),
            timeout=strategy._timeout,
        )
    type(strategy).setup_environment(strategy)
    del store


# A compiled model


def compile_forward(model: LightningModule) -> None:
    """`nn.Module.compile`, in place, that compiles the model and never a whole step.

    On several processes Lightning puts the step in the place of `forward` for a moment; compiled,
    that is a compilation of logging and reduction too, in many pieces.
    """
    model.compile()
    compiled, plain = model._compiled_call_impl, model._call_impl

    def call(*args: Any, **kwargs: Any) -> Any:
        is_own = getattr(model.forward, "__func__", None) is type(model).forward
        return (compiled if is_own else plain)(*args, **kwargs)

    model._compiled_call_impl = call


# The command line


def class_paths(parser: LightningArgumentParser, key: str) -> list[str]:
    """The paths of all loaded classes that a setting may name, but of those to be subclassed.

    What Lightning makes on the way, a class for each wrapped optimizer, has none.
    """
    typed: Any = next((vars(a)["_typehint"] for a in parser._actions if a.dest == key), None)
    bases = {get_import_path(cls) for cls in get_class_types(typed) if cls.__subclasses__()}
    paths = [path.rpartition(".") for path in get_all_subclass_paths(typed) if path not in bases]
    return [f"{module}.{name}" for module, _, name in paths if hasattr(modules.get(module), name)]


def config_jsonschema(parser: LightningArgumentParser) -> dict[str, Any]:
    """jsonargparse's schema of a parser's configs; its `$defs` are the classes that these name.

    What those classes take is in it, but not what classes among that take: a module of torch takes
    further ones, hundreds in all, and the search for them ends in an error.
    """
    return _FlatSchema().generate(parser)


class _FlatSchema(ParserJsonschema):
    def __init__(self) -> None:
        super().__init__()
        self._is_inside = False

    def class_path_schema(self, class_path: str, action: Any) -> dict[str, Any]:
        self._is_inside = True
        try:
            return super().class_path_schema(class_path, action)
        except (AttributeError, ImportError, ValueError):
            return {}  # a class that was made on the way, as Lightning's own optimizers are
        finally:
            self._is_inside = False

    def class_ref(self, class_type: type, action: Any, subclass: bool) -> dict[str, Any]:
        if class_type is Tensor:  # a rate that may be one, or a number
            return {"type": "number"}
        if self._is_inside:
            return {"type": ["string", "object"]}
        return super().class_ref(class_type, action, subclass)


class OpenCLI(LightningCLI):
    """LightningCLI up to its parsed settings: building and running is left to the caller."""

    def instantiate_classes(self) -> None:
        """Nothing yet; see `instantiate`."""

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing yet; see `call`."""

    def _parse_ckpt_path(self) -> None:
        """Nothing: the checkpoint's hyperparameters would win over flags."""

    def _add_subcommands(self, parser: LightningArgumentParser, **kwargs: Any) -> None:
        super()._add_subcommands(parser, **kwargs)
        for command, subparser in self._subcommand_parsers.items():
            self.prepare_subcommand(command, subparser)

    def prepare_subcommand(self, command: str, parser: LightningArgumentParser) -> None:
        """Change a subcommand's parser once all its settings are there."""

    @property
    def values(self) -> Any:
        return self.config[self.subcommand]

    @property
    def command_parser(self) -> Any:  # of the class that the command line is made with
        """The subcommand's."""
        return self._parser(self.subcommand)

    def dump(self, values: Any) -> str:
        """Settings of the subcommand as YAML, without what is linked."""
        return str(self.command_parser.dump(values, skip_none=False))

    def instantiate(self) -> tuple[LightningModule, LightningDataModule]:
        """The model and the data; what the Trainer is made of, too."""
        self.config_init = self.parser.instantiate_classes(self.config)
        self.model = self._get(self.config_init, "model")
        self.datamodule = self._get(self.config_init, "data")
        return self.model, self.datamodule

    def made(self, key: str) -> Any:
        """A setting with its classes made; after `instantiate`."""
        return self._get(self.config_init, key)

    def set_optimizers(self) -> None:
        """Let the model train with the optimizer and schedule that are set, if they are.

        They are made twice: now, so that what is wrong with them shows before anything is written,
        and when the Trainer knows how long the training is.
        """
        schedule = (self.made("lr_scheduler") or {}).get("init_args", {})
        has_length = "total_steps" in schedule
        if has_length and schedule["total_steps"] is None and schedule["epochs"] is None:
            schedule["total_steps"] = 1  # until it is known
        self._add_configure_optimizers_method_to_model(self.subcommand)
        if has_length:
            self.model.configure_optimizers = self._configure_at_length

    def _configure_at_length(self) -> Any:
        length = self.schedule_length(self.model.trainer)
        self.made("lr_scheduler")["init_args"]["total_steps"] = length
        del self.model.configure_optimizers
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*will be overridden")
            self._add_configure_optimizers_method_to_model(self.subcommand)
        return self.model.configure_optimizers()

    def schedule_length(self, trainer: Trainer) -> int:
        """The `total_steps` of a schedule that has them."""
        raise NotImplementedError

    def call(self, trainer: Trainer, **more: Any) -> None:
        """The Trainer's method of the subcommand's name, with its arguments and these."""
        command = str(self.subcommand)
        getattr(trainer, command)(**{**self._prepare_subcommand_kwargs(command), **more})
