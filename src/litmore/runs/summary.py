"""A run in a few numbers: `summary.json` in its folder, read without anything else of the run."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from litmore.errors import InputError
from litmore.runs.folder import CONFIG, is_locked

SUMMARY = "summary.json"


@dataclass(frozen=True)
class Summary:
    """What became of a run.

    Attributes:
        status: `stopped` by a signal, `failed` by an error or a kill.
        why: a line about a run that did not finish.
        monitor: the metric of the validation that `best` is the best of.
        monitor_mode: which of its values is better.
        best: None where there is none yet.
        best_step: the steps it was reached after.
        last: all metrics as they stood after the last validation, the training's among them; of a
            run that does not validate, at its end.
        test: what `test` found of a checkpoint of the run, if it was asked.
        step: optimizer steps, or batches of a model that takes none.
        seconds: of training, over all times that the run went on; None if an older version wrote
            none down.
        parameters: how many numbers the model's are; None likewise.
        started: seconds since the epoch.
        config: the run's.

    """

    status: Literal["running", "finished", "stopped", "failed"]
    why: str | None
    monitor: str
    monitor_mode: Literal["min", "max"]
    best: float | None
    best_step: int | None
    last: dict[str, float]
    test: dict[str, float] | None
    step: int
    seconds: float | None
    parameters: int | None
    started: float
    config: dict[str, Any]


def read_summary(run: Path) -> Summary:
    """What became of the run in a folder; of an older version's, by its config and its curves.

    Raises:
        InputError: no run lies there, or what it has written down is damaged.

    """
    summary = written(run) or _of_older(run)
    if summary.status == "running" and not is_locked(run):
        return replace(summary, status="failed", why="killed")
    return summary


def written(run: Path) -> Summary | None:
    """The run's file as it stands; None without one.

    Raises:
        InputError: it is damaged.

    """
    try:
        found = json.loads((run / SUMMARY).read_bytes())
        for name in ("last", "test"):
            if found[name] is not None:
                found[name] = {metric: float(value) for metric, value in found[name].items()}
        for name, kind in _NUMBERS.items():
            if found[name] is not None or name in ("step", "started"):
                found[name] = kind(found[name])
        if found["status"] not in _STATUSES or not isinstance(found["config"], dict):
            raise ValueError
        found["monitor"] = str(found["monitor"])
        return Summary(**{field.name: found[field.name] for field in fields(Summary)})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{run / SUMMARY}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(f"{run / SUMMARY}: damaged; delete it, and curves are read") from None


def write(run: Path, summary: Summary) -> None:
    """Write the run's file, whole or not at all; what is not finite as "nan", "inf" or "-inf".

    Raises:
        RunError: it could not be written; what lay there before is as it was.

    """
    from litmore.runs.atomic import write_atomically

    content = json.dumps(plain(vars(summary)), allow_nan=False, default=str)
    # Waiting for the disk takes longer than all else; a power cut may leave an older one.
    write_atomically(run / SUMMARY, content.encode(), to_disk=False)


def plain(value: Any) -> Any:
    """The same in JSON's words: numbers that are not finite as text, as `float` reads it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _of_older(run: Path) -> Summary:
    from litmore.runs.history import LOSSES, curves_of

    config = _config(run)
    cost = ("cost/seconds", "cost/parameters", "epoch")
    try:
        curves = {curve.metric: curve for curve in curves_of(run, "", (*LOSSES, *cost))}
    except Exception as error:  # whatever a foreign or damaged file makes its reader raise
        raise InputError(f"{run}: its curves cannot be read ({type(error).__name__})") from None
    step = max((int(curve.steps[-1]) for curve in curves.values()), default=0)
    at_end = {name: float(curve.values[-1]) for name, curve in curves.items()}
    monitor = str(config.get("monitor") or LOSSES[1])
    mode: Literal["min", "max"] = "max" if config.get("monitor_mode") == "max" else "min"
    best = best_step = None
    if monitor in curves:
        of = curves[monitor]
        at = int(of.values.argmin() if mode == "min" else of.values.argmax())
        best, best_step = float(of.values[at]), int(of.steps[at])
    test = {name: value for name, value in at_end.items() if name.startswith("test/")}
    status, why = _fate(config, step, bool(curves))
    parameters = at_end.get("cost/parameters")
    return Summary(
        status="running" if is_locked(run) else status,
        why=why,
        monitor=monitor,
        monitor_mode=mode,
        best=best,
        best_step=best_step,
        last={k: v for k, v in at_end.items() if k in LOSSES and k not in test},
        test=test or None,
        step=step,
        seconds=at_end.get("cost/seconds"),
        parameters=None if parameters is None else int(parameters),
        started=(run / CONFIG).stat().st_mtime,
        config=config,
    )


def _config(run: Path) -> dict[str, Any]:
    """A run's config.yaml, by the parser in C where there is one: it is ten times as fast."""
    path = run / CONFIG
    try:
        config = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InputError(f"{path}: damaged: no YAML") from None
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise InputError(f"{path}: not the config of a run")
    return config


def _fate(
    config: dict[str, Any], step: int, has_logged: bool
) -> tuple[Literal["finished", "stopped", "failed"], str | None]:
    """How a run ended, as far as its config and its steps tell."""
    trainer = config.get("trainer") or {}
    steps = trainer.get("max_steps")
    if not has_logged:
        return "failed", "nothing was logged"
    ends_early = trainer.get("max_time") or "EarlyStopping" in str(trainer.get("callbacks"))
    # What is logged with a step may bear the number before it.
    ends_early = ends_early or trainer.get("max_epochs") not in (None, -1)
    if isinstance(steps, int) and steps > step + 1 and not ends_early:
        return "stopped", f"at step {step:,} of {steps:,}"
    return "finished", None


_NUMBERS = {"best": float, "best_step": int, "step": int, "seconds": float, "parameters": int,
            "started": float}  # fmt: skip

_STATUSES = ("running", "finished", "stopped", "failed")
