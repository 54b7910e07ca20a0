"""`export`: a trained model for programs that know nothing of litmore."""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

from litmore.cli.parser import TRUST_CONFIG, command_parser
from litmore.errors import InputError
from litmore.export.folder import CARD, CONFIG, DESCRIPTION, check_folder, write_folder
from litmore.files import here
from litmore.runs.folder import LOGS, find_checkpoint

PACKAGES = {
    "safetensors": ("safetensors",),
    "torch": (),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
}
"""The formats, and what each needs beside torch."""


def run(
    is_alone: bool,
    ckpt_path: str,
    output: str,
    format: Sequence[str] = ("safetensors",),
    run_name: str | None = None,
    default_root_dir: str = LOGS,
    trust_config: bool = False,
) -> None:
    """Write a trained model, and a card that says what it is, into a folder.

    Args:
        is_alone: Whether the process does nothing else; Lightning is not imported then.
        ckpt_path: A checkpoint; `last` or `best` is the newest run's.
        output: The folder; an earlier export there is replaced.
        format: Of `PACKAGES`.
        run_name: Take `last` and `best` from runs of this name.
        default_root_dir: The folder of all runs, for `last` and `best`.
        trust_config: As `TRUST_CONFIG` says.

    Raises:
        InputError: there is no such checkpoint, a package is missing, the folder holds something
            else, or the model cannot be had in that format.
        RunError: the folder could not be written, or what was made says something else.

    """
    for name in format:
        if name not in PACKAGES:
            raise InputError(f"--format {name}: must be {', '.join(PACKAGES)}, or several of them")
    formats = [name for name in PACKAGES if name in format]
    for name in formats:
        for package in PACKAGES[name]:
            try:
                import_module(package)
            except ImportError as error:
                raise InputError(
                    f"--format {name}: {package} cannot be imported ({error}):"
                    " `make extras`, or pip install 'litmore[export]'"
                ) from None
    folder = check_folder(output)
    root_flag = "--default_root_dir"
    root = here(root_flag, default_root_dir)
    path = find_checkpoint(ckpt_path, root, run_name, root_flag=root_flag)
    files = _files(path, formats, is_alone, trust_config)
    write_folder(folder, files)
    for file in files:
        sys.stdout.write(f"{Path(output) / file}\n")


def _files(
    path: Path, formats: Sequence[str], is_alone: bool, trust_config: bool
) -> dict[str, bytes]:
    """All that the folder is to hold, by name."""
    from litmore.runs import checkpoint as checkpoints

    checkpoint = checkpoints.read(path)
    if is_alone and checkpoint["class_path"].startswith("litmore.models."):
        from litmore.cli.light import stand_in

        stand_in()
    from lightning.pytorch import LightningModule

    from litmore.export.card import card
    from litmore.export.description import describe
    from litmore.export.formats import in_formats

    model = checkpoints.rebuild(checkpoint, LightningModule, trust_config)
    described = describe(model, checkpoint)
    files = in_formats(model, described, checkpoint, formats, trust_config)
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    files[DESCRIPTION] = text.encode(errors="backslashreplace")  # as JSON, too, escapes
    if checkpoint.get("config"):
        try:
            files[CONFIG] = yaml.safe_dump(checkpoint["config"], sort_keys=False).encode()
        except yaml.YAMLError as error:
            raise InputError(f"--ckpt_path {path}: damaged: its config is none: {error}") from None
    files[CARD] = card(model, described, checkpoint, path, formats).encode(
        errors="backslashreplace"
    )
    return files


def parser() -> ArgumentParser:
    """The flags of `export`."""
    made = command_parser(
        run,
        "export",
        "Write a trained model for programs that know nothing of litmore.",
        {"format"},
        trust_config=TRUST_CONFIG,
    )
    made.add_argument(
        "--format",
        nargs="+",
        default=["safetensors"],
        help=f"One or several of {', '.join(PACKAGES)}.",
    )
    return made
