"""Which setting is meant by a flag that there is not."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches

from litmore.cli.commands import TRAINING
from litmore.errors import InputError
from litmore.program import program

MAKEMORE = {
    "input-file": "--data.path",
    "i": "--data.path",
    "work-dir": "--trainer.default_root_dir",
    "o": "--trainer.default_root_dir",
    "resume": "--ckpt_path last",
    "sample-only": "the command sample, with --ckpt_path best,",
    "num-workers": "",
    "n": "",
    "max-steps": "--trainer.max_steps",
    "device": "--trainer.accelerator",
    "seed": "--seed_everything",
    "top-k": "--top_k of the command sample",
    "n-layer": "--model.num_layers",
    "n-head": "--model.num_heads",
    "n-embd": "--model.embedding_dim",
    "n-embd2": "--model.hidden_dim",
    "batch-size": "--data.batch_size",
    "b": "--data.batch_size",
    "learning-rate": "--optimizer.lr",
    "l": "--optimizer.lr",
    "weight-decay": "--optimizer.weight_decay",
    "w": "--optimizer.weight_decay",
}
"""makemore.py's flags, but `--type`, and what they are called here; "": nothing is."""

TYPES = {
    "transformer": "Transformer",
    "bow": "BagOfWords",
    "mlp": "MLP",
    "rnn": "RNN",
    "gru": "GRU",
    "bigram": "NeuralBigram",
    "wavenet": "WaveNet",
}
"""What makemore.py's `--type` takes, and the models here."""

USUAL = {
    "epochs": "--trainer.max_epochs",
    "num_epochs": "--trainer.max_epochs",
    "steps": "--trainer.max_steps",
    "gpus": "--trainer.devices",
    "name": "--run_name",
    "checkpoint": "--ckpt_path",
}
"""What other trainings call a setting."""

COMMANDS = {
    "train": "fit",
    "eval": "validate",
    "evaluate": "validate",
    "score": "predict",
    "generate": "sample",
    "resume": "fit --ckpt_path last",
}
"""What other programs call a command."""


VERSION = "--version"

HELP = ("-h", "--help", VERSION)

BEFORE = (*HELP, "-c", "--config", "--print_config", "--print_shtab")
"""What may stand before the command, as LightningCLI has it."""


def check_command(args: Sequence[str], commands: Collection[str]) -> None:
    """Whether a command line begins with a command.

    Raises:
        InputError: it does not; the message names the one that may be meant.

    """
    name = args[0] if args else ""
    found = next((arg for arg in args if arg in commands), None)
    flag = name.partition("=")[0]
    if flag in BEFORE and (found is None or found in TRAINING or flag in HELP):
        return
    if name.startswith("-") and found is not None:
        raise InputError(f"{flag}: stands behind the command: {program()} {found} {name} …")
    if name not in commands:
        near = [COMMANDS[name]] if name in COMMANDS else get_close_matches(name, commands, n=1)
        if flag.lstrip("-") in MAKEMORE or flag == "--type":
            near = ["sample" if "--sample-only" in args else "fit"]
        hint = f"is {near[0]} meant?" if near else f"there are {', '.join(commands)}"
        is_named = args and not name.startswith("-")
        wrong = f"{name}: no such subcommand" if is_named else "no subcommand is given"
        raise InputError(f"{wrong}; {hint}")


def check_flags(args: Iterable[str], flags: Collection[str], deeper: Iterable[str]) -> None:
    """Whether there are such flags.

    Args:
        args: a command line.
        flags: all that there are, as they are written.
        deeper: those of the classes that are named, gone through only if one is wanting.

    Raises:
        InputError: there is not; the message names the setting that may be meant.

    """
    settings = [flag for flag in flags if not flag.endswith(".help")]
    groups = {flag.rpartition(".")[0] for flag in settings}
    # What a value has inside, a class's setting or a dict's, only the parser knows.
    leaves = tuple(f"{flag}." for flag in settings if flag not in groups)
    for flag, value in _flags(args):
        if flag not in flags and not flag.startswith(leaves):
            raise InputError(f"{flag}: {_meant(flag, value, [*settings, *deeper])}")


def _flags(args: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each with its value, or what stands after it."""
    left = list(args)
    for place, arg in enumerate(left):
        # `-n5` is a flag and its value, `-5` a number, `-a b` a text.
        match = re.fullmatch(r"(-[A-Za-z]|--[A-Za-z][^=\s]*)(?:=(.*)|(\S*))", arg, re.DOTALL)
        if match:
            yield match[1], match[2] or match[3] or "".join(left[place + 1 : place + 2])


def _meant(flag: str, value: str, known: Collection[str]) -> str:
    spelt = flag.lstrip("-")
    name = spelt.replace("-", "_")
    if f"--{name}" in known:
        return f"is --{name} here"
    told = MAKEMORE | USUAL | {"type": f"--model {TYPES.get(value, '')}".rstrip()}
    deep = [each for each in known if each.endswith(f".{name}")]
    if spelt in told or (not deep and name.replace("_", "-") in told):
        return _here(told.get(spelt) or told.get(name.replace("_", "-"), ""), known)
    if deep:
        return f"is {' or '.join(dict.fromkeys(deep))} here"
    names = {each.lstrip("-"): each for each in known}
    lasts = {each.rpartition(".")[2]: each for each in names if "." in each}
    near = get_close_matches(name, names, n=1)
    near += [lasts[each] for each in get_close_matches(name, lasts, n=1)]
    return "no such setting" + (f"; is {near[0]} meant?" if near else "")


def _here(answer: str, known: Collection[str]) -> str:
    """Of a command that is not trained by, the answer is what training calls it."""
    if not answer:
        return "has no counterpart here: a batch is cut from memory, without workers"
    if not answer.startswith("--") or answer.split(maxsplit=1)[0] in known:
        return f"is {answer} here"
    if "--optimizer" not in known:
        return f"is {answer} of fit here"
    return f"is {answer} here" + ", which this model has not" * answer.startswith("--model.")
