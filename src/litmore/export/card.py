"""A model card: what an exported model is, where it comes from, and how to use it."""

import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from litmore import __version__
from litmore.corpus.source import NAMES
from litmore.corpus.text import sha256_of
from litmore.export.folder import CONFIG
from litmore.export.use import lines_of_use
from litmore.models.base import CharLM
from litmore.runs.folder import VERSIONS, run_of
from litmore.runs.history import curves_of
from litmore.runs.trust import PACKAGES

EMBEDDED = "public domain: names that the US government has published (litmore's docs/data.md)"
UNKNOWN = "not known: yours to say"


def card(
    model: nn.Module,
    description: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
    path: Path,
    formats: Iterable[str],
) -> str:
    """Its text, in Markdown.

    Args:
        model: of the checkpoint.
        description: of the model (`litmore.export.description`).
        checkpoint: what trained it.
        path: the checkpoint's file.
        formats: those that the model was exported to.

    """
    parts = [f"# {description['class_path'].rpartition('.')[2]}"]
    parts += [_table(_model(model, description, checkpoint))]
    parts += ["## Data", _table(_data(checkpoint)), "## Losses", *_losses(checkpoint, path)]
    parts += ["## Training", *_training(checkpoint, path)]
    parts += ["## Use", "In this folder:"]
    module = description["class_path"].split(".", maxsplit=1)[0]
    for each in formats:
        parts += [f"### {each}"]
        if each == "safetensors" and module not in PACKAGES:
            parts += [f"The module of its class, `{module}`, has to lie in this folder, too."]
        parts += [f"```python\n{lines_of_use(each, description).strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = ((one, other.replace("|", "\\|").replace("\n", " ")) for one, other in rows)
    return "\n".join(["| | |", "|---|---|", *(f"| {one} | {other} |" for one, other in cells)])


def _model(
    model: nn.Module, description: Mapping[str, Any], checkpoint: Mapping[str, Any]
) -> list[tuple[str, str]]:
    number = sum(parameter.numel() for parameter in model.parameters())
    settings = ", ".join(
        f"{name} {value}"
        for name, value in description["init_args"].items()
        if isinstance(value, int | float | str)
    )
    rows = [("class", f"`{description['class_path']}`"), ("parameters", f"{number:,}")]
    rows += [("settings", settings)] if settings else []
    if (now := _types(model.state_dict())) != (then := _types(checkpoint["state_dict"])):
        rows.append(("weights", f"{now}, as the class makes them; trained in {then}"))
    if isinstance(model, CharLM):
        size = len(model.vocabulary)
        zero = "newline" if model.vocabulary.is_text else "boundary"
        shape = f"(batch, {description.get('block_size', 'time')})"
        if limit := description.get("longest_input"):
            shape += f", time at most {limit}"
        rows += [
            ("in", f"`tokens`, int64 {shape}: 0 is the {zero}, 1 to {size - 1} the characters"),
            ("out", f"`logits` of the next token, of {size}"),
        ]
    return rows


def _types(weights: Mapping[str, Any]) -> str:
    kinds = {str(each.dtype).removeprefix("torch.") for each in weights.values()}
    return ", ".join(sorted(kinds))


def _part(content: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """What lies below these names in a checkpoint; nothing where there is none, or no such part."""
    for name in names:
        found = content.get(name)
        content = found if isinstance(found, Mapping) else {}
    return content


def _data(checkpoint: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which words, and which of them were for what."""
    recorded = _part(checkpoint, "config", "data")
    settings = _part(checkpoint, "datamodule_hyper_parameters") or _part(recorded, "init_args")
    rows = []
    if class_path := recorded.get("class_path"):
        rows.append(("class", f"`{class_path}`"))
    sha256 = settings.get("sha256")
    is_embedded = sha256 is not None and sha256 == sha256_of(NAMES)
    if "sha256" in settings:
        where = settings.get("path") or settings.get("url")
        rows += [("file", f"`{where}`" if where else f"litmore's own `{NAMES.name}`")]
        rows += [("SHA-256", f"`{sha256}`" if sha256 else "not recorded")]
    if isinstance(split := settings.get("split"), list):
        seed = settings.get("split_seed")  # of running text there is none
        shuffled = "" if seed is None else f", shuffled by seed {seed}"
        rows.append(("train / val / test", " / ".join(map(str, split)) + shuffled))
    if (number := settings.get("max_words")) is not None:
        rows.append(("words", f"the first {number}"))
    if settings.get("unique"):
        rows.append(("words that stand twice", "once"))
    return [*rows, ("licence", EMBEDDED if is_embedded else UNKNOWN)]


def _losses(checkpoint: Mapping[str, Any], path: Path) -> list[str]:
    """Those that the run has found at this step, and those of a `test` of it."""
    step = checkpoint.get("global_step", "not recorded")
    found = _part(checkpoint, "callback_metrics")
    rows = [(name, f"{value:.4f}") for name, value in found.items() if isinstance(value, float)]
    kept = _part(checkpoint, "callbacks", "Checkpoints")
    best, monitor = kept.get("best_score"), str(kept.get("monitor"))
    if isinstance(best, float) and dict(rows).get(monitor) != f"{best:.4f}":
        rows.append((f"{monitor}, the run's best", f"{best:.4f}, at step {kept.get('best_step')}"))
    if (tested := _tested(path, step)) is not None:
        rows.append(("test/loss", f"{tested:.4f}"))
    unit = "; losses in nats a character" if "val/perplexity" in found else ""
    return [f"At step {step}{unit}.", _table(rows) if rows else "None was recorded."]


def _tested(path: Path, step: Any) -> float | None:
    """The test loss of this step, where its run was judged by `test`."""
    run = run_of(path)
    if run is None or not any(run.glob("*.test")):  # events are read in seconds
        return None
    for curve in curves_of(run, run.name, ["test/loss"]):
        if step in curve.steps:
            return float(curve.values[list(curve.steps).index(step)])
    return None


def _training(checkpoint: Mapping[str, Any], path: Path) -> list[str]:
    """The command that repeats it, and what it ran on."""
    command = f"```\nlitmore fit --config {CONFIG}\n```"
    told = [command if _part(checkpoint, "config") else "In Python; no command was recorded."]
    rows = [("lightning", str(checkpoint.get("pytorch-lightning_version", "not recorded")))]
    run = run_of(path)
    if run is not None:
        with suppress(OSError, ValueError, AttributeError, yaml.YAMLError):
            recorded = yaml.safe_load((run / VERSIONS).read_text("utf-8"))
            rows = [(name, str(value)) for name, value in recorded.items() if value is not None]
    now = {"litmore": __version__, "torch": version("torch"), "python": platform.python_version()}
    exported = ", ".join(f"{name} {number}" for name, number in now.items())
    trained = ((f"trained with {name}", number) for name, number in rows)
    return [*told, _table([*trained, ("exported with", exported)])]
