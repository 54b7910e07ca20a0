"""The runs below some folders, and their settings by name."""

import fnmatch
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from litmore.errors import InputError
from litmore.runs.folder import CONFIG, EVENTS, TABLE
from litmore.runs.summary import SUMMARY, Summary, read_summary

SEED = "seed_everything"

NO_MATTER = (
    SEED,
    "run_name",
    "save_every",
    "tensorboard",
    "trainer.default_root_dir",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.log_every_n_steps",
    "trainer.logger",
    "trainer.profiler",
)
"""Settings, and groups of them, that say where a run lies and how it is watched; and the seed."""


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        path: its folder.
        name: `mlp/version_0`; the whole path where two would have one name.
        summary: what became of it.
        settings: those that matter, by their names as flags.

    """

    path: Path
    name: str
    summary: Summary
    settings: dict[str, Any]

    @property
    def seed(self) -> int | None:
        """None where it was chosen at random, or none was set."""
        seed = self.summary.config.get(SEED)
        return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def find_runs(paths: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """The runs among and below the paths, the newest last; and why some folders are none.

    Raises:
        InputError: a path does not exist, or there is no run in any.

    """
    paths = list(paths)
    runs: list[Run] = []
    skipped: list[str] = []
    for folder, is_ours in _folders(paths):
        try:
            if not is_ours:
                raise InputError(f"{folder}: no run of litmore's: no {CONFIG}")
            summary = read_summary(folder)
            name = "/".join(folder.absolute().parts[-2:])
            runs.append(Run(folder, name, summary, settings_of(summary.config)))
        except (InputError, OSError) as error:
            skipped.append(str(error))
    if not runs:
        why = f" ({skipped[0]})" if skipped else ""
        raise InputError(f"compare {' '.join(map(str, paths))}: no run in it{why}")
    named = Counter(run.name for run in runs)
    runs = [run if named[run.name] == 1 else replace(run, name=str(run.path)) for run in runs]
    return sorted(runs, key=lambda run: (run.summary.started, run.name)), skipped


def _folders(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Each folder with a run's files once, and whether they are litmore's."""
    seen: set[str] = set()
    for path in paths:
        if not path.is_dir():
            raise InputError(f"compare {path}: {'a file' if path.exists() else 'no such folder'}")
        for folder, below, files in os.walk(path, followlinks=True):
            real = os.path.realpath(folder)
            is_ours = SUMMARY in files or CONFIG in files
            if real in seen or is_ours:
                below.clear()  # a loop of links; or a run's own folders
            if real in seen:
                continue
            seen.add(real)
            if is_ours or TABLE in files or fnmatch.filter(files, EVENTS):
                yield Path(folder), is_ours


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config's settings that matter, by their names as flags: `model`, `model.hidden_dim`."""
    return {
        name: value
        for name, value in _flat(config, "")
        if name not in NO_MATTER and not name.startswith(_BELOW)
    }


_BELOW = tuple(f"{name}." for name in NO_MATTER)


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        # Such as callbacks: which there are, and the settings of each by its name.
        classes = [_class(each) for each in value]
        yield name, ", ".join(classes)
        for each, of in zip(value, classes, strict=True):
            if isinstance(each, dict):
                yield from _flat(each.get("init_args") or {}, f"{name}.{of}")
    elif isinstance(value, dict):
        if "class_path" in value:
            yield name, _class(value)
        for key, inner in value.items():
            if key in ("init_args", "dict_kwargs"):
                yield from _flat(inner or {}, name)
            elif key != "class_path":
                yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, int(value) if isinstance(value, float) and value.is_integer() else value


def _class(value: Any) -> str:
    path = value.get("class_path", "?") if isinstance(value, dict) else value
    return str(path).rpartition(".")[2]
