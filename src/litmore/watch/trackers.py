"""Experiment trackers beside a run: Weights & Biases and MLflow, where a user names one."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger

from litmore.errors import one_line
from litmore.runs.folder import RunFolder, is_first_process
from litmore.watch.drawing import harmless

log = logging.getLogger(__name__)

TRACKERS = (WandbLogger, MLFlowLogger)

LONGEST = 200
"""Characters of what a tracker says against its settings."""


def in_run_folder(
    loggers: Sequence[Logger], told: Sequence[Any], folder: RunFolder, states: Mapping[str, Any]
) -> list[Logger]:
    """The same, the trackers with the run's name and place where they were given none.

    Args:
        loggers: as they were made.
        told: the config of each.
        folder: the run's, which is claimed.
        states: those of callbacks, where the run goes on: it does in the trackers' runs, too.

    """
    if not is_first_process() or not any(isinstance(logger, TRACKERS) for logger in loggers):
        return list(loggers)
    path = folder.claim()
    runs = list(states.get(Trackers.__name__, {}).get("runs", []))
    return [
        _remade(logger, config, f"{folder.name}/{path.name}", str(path), runs)
        if isinstance(logger, TRACKERS)
        else logger
        for logger, config in zip(loggers, told, strict=True)
    ]


def _remade(logger: Logger, config: Any, name: str, path: str, runs: list[Any]) -> Logger:
    """With what stands at its default set; it takes the first of the runs that is of its kind."""
    found = next((each for each in runs if each[0] == type(logger).__name__), None)
    run = None
    if found is not None:
        runs.remove(found)
        run = str(found[1])
    arguments = {**(config.get("init_args") or {}), **(config.get("dict_kwargs") or {})}
    made: Logger = type(logger)(**{**arguments, **_place(arguments, name, path, run)})
    if run is not None:
        # The run has the hyperparameters that Lightning would log; MLflow refuses other values.
        made.log_hyperparams = lambda *_, **__: None  # type: ignore[method-assign]
    return made


def _place(arguments: Mapping[str, Any], name: str, path: str, run: str | None) -> dict[str, Any]:
    """Of the arguments that a tracker takes, those that stand at their defaults."""
    wanted = {
        "name": name,
        "run_name": name,
        "save_dir": arguments.get("dir") or path,
        "id": None if arguments.get("version") else run,
        "run_id": run,
    }
    unset = {key for key in wanted.keys() & arguments.keys() if arguments[key] in (None, ".")}
    return {key: wanted[key] for key in unset}


class Trackers(Callback):
    """Tell trackers the run's config, and keep in checkpoints which of their runs it is.

    Args:
        config: the run's.

    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.runs: list[list[str]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for logger in _trackers(trainer):
            self.runs.append([type(logger).__name__, str(logger.version)])
            try:
                type(logger).log_hyperparams(logger, dict(_flat(self.config)))
            except Exception as error:  # such as MLflow's, of what has changed since its run began
                why = one_line(error)[:LONGEST]
                log.warning("%s keeps the settings that it has (%s)", type(logger).__name__, why)

    def state_dict(self) -> dict[str, Any]:
        return {"runs": self.runs}

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._finish(trainer, 0)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._finish(trainer, 1)

    @harmless
    def _finish(self, trainer: Trainer, exit_code: int) -> None:
        """Or another run of the same process would go on in this one's."""
        for logger in _trackers(trainer):
            if isinstance(logger, WandbLogger):
                logger.experiment.finish(exit_code=exit_code)


def _trackers(trainer: Trainer) -> list[Logger]:
    loggers = trainer.loggers if trainer.is_global_zero else []
    return [logger for logger in loggers if isinstance(logger, TRACKERS)]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """As Lightning flattens hyperparameters: optimizer/init_args/lr."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}/{key}" if name else str(key))
    else:
        yield name, value
