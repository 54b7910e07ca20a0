"""New names, or text, from a model: pure torch, every draw from an explicit generator.

Letters: B names in a batch, T their tokens so far, V vocabulary.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from litmore.corpus.characters import alphabet, named
from litmore.corpus.normal_forms import spelt
from litmore.corpus.vocabulary import BOUNDARY
from litmore.errors import InputError, RunError
from litmore.models.base import CharLM

BATCH = 16_384
"""Names drawn side by side."""

MAX_LENGTH = 100
"""Characters after which a name is cut off, where nothing else is asked for."""

TEXT_LENGTH = 500
"""Characters of running text, likewise."""

LONGEST = 100_000
"""Of what may be asked for."""

_TOKENS = 1 << 22
"""Of all names drawn side by side, at most: bounds the memory."""


def sample(
    model: CharLM,
    num_samples: int,
    *,
    generator: torch.Generator,
    prompt: str = "",
    temperature: float = 1.0,
    top_k: int | None = None,
    max_length: int | None = None,
) -> Iterator[str]:
    """Draw names one character at a time until each draws its closing boundary.

    A model of running text draws text, behind a newline, which goes on to its greatest length.

    Args:
        model: trained.
        num_samples: how many names.
        generator: every draw's; on the model's device.
        prompt: what each name begins with, in whichever normal form.
        temperature: divides the logits: below 1 bolder in the likely, 0 always the likeliest.
        top_k: draw only from the k likeliest characters; None: from all.
        max_length: cut a name off after so many characters, the prompt's among them; None:
            `MAX_LENGTH`, or `TEXT_LENGTH`. Bytes are counted where they are the tokens.

    Yields:
        The names, in order; a name is drawn with at most `BATCH` − 1 others beside it.

    Raises:
        InputError: a setting is out of range, or the prompt holds an unknown character.

    """
    if num_samples < 0:
        raise InputError(f"--num_samples {num_samples}: must be at least 0")
    if not 0 <= temperature < math.inf:
        raise InputError(f"--temperature {temperature}: must be a number of at least 0")
    if top_k is not None and top_k < 1:
        raise InputError(f"--top_k {top_k}: must be at least 1")
    prompt = spelt(prompt, model.vocabulary)
    if max_length is None:
        max_length = TEXT_LENGTH if model.vocabulary.is_text else MAX_LENGTH
    if max_length > LONGEST:
        raise InputError(f"--max_length {max_length}: must be at most {LONGEST:,}")
    if max_length <= (given := len(model.vocabulary.encode(prompt))):
        raise InputError(f"--max_length {max_length}: must be above the prompt's {given}")
    if unknown := model.vocabulary.unknown(prompt):
        raise InputError(
            f"--prompt {prompt!r}: {named(unknown[0])} is not among the model's"
            f" {alphabet(model.vocabulary.characters)}"
        )
    return _sample(model, num_samples, generator, prompt, temperature, top_k, max_length)


def _sample(
    model: CharLM,
    num_samples: int,
    generator: torch.Generator,
    prompt: str,
    temperature: float,
    top_k: int | None,
    max_length: int,
) -> Iterator[str]:
    start = torch.tensor([BOUNDARY, *model.vocabulary.encode(prompt)], device=generator.device)
    width = max_length + 1
    batch = min(BATCH, _TOKENS // (width + 1))
    for first in range(0, num_samples, batch):
        number = min(batch, num_samples - first)
        names = sample_tokens(model, start, number, generator, temperature, top_k, max_length)
        if model.vocabulary.is_text:
            yield from map(model.vocabulary.text, names[:, 1:width])
            continue
        text = model.vocabulary.text(names[:, 1:])
        for at in range(0, len(text), width):
            yield text[at : at + width].split("\n", 1)[0]


@torch.inference_mode()
def sample_tokens(
    model: CharLM,
    start: Int[Tensor, " T"],
    num_samples: int,
    generator: torch.Generator,
    temperature: float,
    top_k: int | None,
    max_length: int,
) -> Int[Tensor, "B max_length_and_2"]:
    """Rows `. e m m a . . …`: the names, closed and filled up with boundaries; or whole text.

    Names drawn side by side share their beginnings. The model goes on from each distinct one once.
    """
    names = torch.full((num_samples, max_length + 2), BOUNDARY, device=start.device)
    names[:, : len(start)] = start
    state: tuple[Tensor, ...] = ()
    for token in start[:, None]:
        logits, state = model.advance(token, state)
    open_ = torch.arange(num_samples, device=start.device)  # rows of the names not yet closed
    beginning = torch.zeros_like(open_)  # which of the distinct ones each of them has
    for length in range(len(start), max_length + 1):
        drawn = draw(logits[beginning], generator, temperature, top_k)
        names[open_, length] = drawn
        goes_on = (drawn != BOUNDARY) | model.vocabulary.is_text
        open_ = open_[goes_on]
        if not len(open_) or length == max_length:
            break
        longer = beginning[goes_on] * model.vocab_size + drawn[goes_on]
        distinct, beginning = longer.unique(return_inverse=True)
        before = distinct // model.vocab_size
        logits, state = model.advance(
            distinct % model.vocab_size, tuple(part.index_select(0, before) for part in state)
        )
    return names


def draw(
    logits: Float[Tensor, "B V"],
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> Int[Tensor, " B"]:
    """The next token of each row."""
    if temperature == 0:
        return logits.argmax(-1)
    candidates = None
    if top_k is not None and top_k < logits.shape[-1]:
        logits, candidates = logits.topk(top_k, dim=-1)
    # The largest logit goes to 0 first, and the temperature stays one that a float32 can hold.
    scaled = (logits - logits.amax(-1, keepdim=True)) / min(max(temperature, 1e-30), 1e30)
    try:
        choice = torch.multinomial(scaled.softmax(-1), 1, generator=generator)
    except RuntimeError as error:
        if not scaled.isnan().any():
            raise
        raise RunError("the model's logits are no numbers: nothing can be drawn by them") from error
    return (choice if candidates is None else candidates.gather(1, choice))[:, 0]
