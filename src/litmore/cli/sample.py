"""`sample`: new names from a checkpoint."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser

from litmore.cli.light import stand_in
from litmore.cli.parser import TRUST_CONFIG, command_parser
from litmore.corpus.normal_forms import spelt, told
from litmore.data import Corpus, Source
from litmore.errors import InputError
from litmore.files import here
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import LOGS, find_checkpoint

LOOKED_UP = 1 << 18
"""Names looked up among the corpus's words at a time: each time all of those are gone through."""


PARTED = f"{'-' * 40}\n"
"""What stands between two texts."""


def run(
    is_alone: bool,
    ckpt_path: str,
    num_samples: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    prompt: str = "",
    seed: int = 42,
    max_length: int | None = None,
    run_name: str | None = None,
    default_root_dir: str = LOGS,
    trust_config: bool = False,
) -> None:
    """Draw new names from a trained model, one a line on stdout; or running text.

    Args:
        is_alone: Whether the process does nothing else; Lightning is not imported then.
        ckpt_path: A checkpoint; `last` or `best` is the newest run's.
        num_samples: How many names (default: 20), or texts (default: 1).
        temperature: Below 1 bolder in what is likely; 0 always takes the likeliest.
        top_k: Draw only from the k likeliest characters.
        prompt: What each name or text begins with.
        seed: The same seed gives the same names.
        max_length: Cut off after so many characters (default: 100, of running text 500).
        run_name: Take `last` and `best` from runs of this name.
        default_root_dir: The folder of all runs, for `last` and `best`.
        trust_config: As `TRUST_CONFIG` says.

    """
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed {seed}: must be a number from 0 to {2**63 - 1}")
    root_flag = "--default_root_dir"
    root = here(root_flag, default_root_dir)
    path = find_checkpoint(ckpt_path, root, run_name, root_flag=root_flag)
    checkpoint = checkpoints.read(path)
    if is_alone and checkpoint["class_path"].startswith("litmore."):
        stand_in()
    from litmore.models.base import CharLM
    from litmore.sampling import MAX_LENGTH, sample

    model = checkpoints.rebuild(checkpoint, CharLM, trust_config)
    generator = torch.Generator().manual_seed(seed)
    if (known_form := spelt(prompt, model.vocabulary)) != prompt:
        sys.stderr.write(f"--prompt: {told(prompt, known_form)}, as the model knows it.\n")
    is_text = model.vocabulary.is_text
    names = sample(
        model,
        (1 if is_text else 20) if num_samples is None else num_samples,
        generator=generator,
        prompt=prompt,
        temperature=temperature,
        top_k=top_k,
        max_length=max_length,
    )
    if is_text:
        sys.stdout.write(PARTED.join(f"{text}\n" for text in names))
        sys.stdout.flush()
        return
    words, why = _words(checkpoint)
    drawn = known = cut = 0
    most = MAX_LENGTH if max_length is None else max_length
    while some := list(islice(_printed(names), LOOKED_UP)):
        drawn += len(some)
        cut += sum(len(name) >= most for name in some)
        if words is not None:
            drawn_words = Corpus.of(filter(None, some), words.vocabulary)
            known += int(words.known(drawn_words).sum())
    sys.stdout.flush()
    if cut:
        sys.stderr.write(f"{cut:,} of the {drawn:,} names reached --max_length {most}.\n")
    if words is None:
        sys.stderr.write(f"The corpus of this model {why}: no telling which names are new.\n")
    elif drawn:
        share = 1 - known / drawn
        sys.stderr.write(f"{share:.1%} of the {drawn:,} names are new: in no split.\n")


def _printed(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        sys.stdout.write(f"{name}\n")
        yield name


def _words(checkpoint: dict[str, Any]) -> tuple[Corpus | None, str]:
    """All words that the model's data were made of, or what has become of them."""
    settings = checkpoint.get("datamodule_hyper_parameters") or {}
    wanted = {field.name for field in fields(Source)} & settings.keys()
    given = {name: settings[name] for name in wanted}
    given["vocabulary"] = checkpoint["hyper_parameters"]["vocabulary"]
    with suppress(InputError, TypeError):  # another data module's settings
        source = Source(**given)
        has_changed = source.path is not None and Path(source.path).is_file()
        with suppress(InputError):
            return source.corpus, ""
        return None, "has changed" if has_changed else "is not here"
    return None, "is not here"


def parser() -> ArgumentParser:
    """The flags of `sample`."""
    return command_parser(
        run, "sample", "Draw new names from a trained model.", trust_config=TRUST_CONFIG
    )
