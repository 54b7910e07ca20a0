"""What nanoGPT does on tiny Shakespeare on a CPU, as it does it, to be timed against.

Its smaller, documented setting: 4 blocks of 4 heads and 128 wide, windows of 64, 12 of them a
batch, 2,000 iterations, no dropout. What costs it more than it need is done in one call, so that it
is no easy reference: a batch is gathered at once, and attention is torch's.

Run as a script it prints the loss on its evaluation's windows every so many iterations:
`python benchmarks/gpt.py input.txt 2000 250`.
"""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, BLOCKS = 128, 4, 4
LENGTH, BATCH = 64, 12
ITERATIONS, WARMUP = 2000, 100
HIGHEST, LOWEST = 1e-3, 1e-4
EVALUATED = 20
"""Batches that a loss is the mean of."""


def prepare(path: Path) -> tuple[Tensor, Tensor, str]:
    """The first nine tenths of the text, the rest, and its characters: their places are ids."""
    text = path.read_bytes().decode()
    characters = "".join(sorted(set(text)))
    ids = {character: i for i, character in enumerate(characters)}
    tokens = torch.tensor([ids[character] for character in text])
    cut = int(0.9 * len(tokens))
    return tokens[:cut], tokens[cut:], characters


def windows(
    tokens: Tensor, draws: torch.Generator, batch: int = BATCH, length: int = LENGTH
) -> tuple[Tensor, Tensor]:
    """(B, T) both, at random places; the second one further."""
    first = torch.randint(len(tokens) - length, (batch, 1), generator=draws)
    rows = tokens[first + torch.arange(length + 1)]
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def judged(
    logits_of: Callable[[Tensor], Tensor],
    tokens: Tensor,
    seed: int = 0,
    batches: int = EVALUATED,
    batch: int = BATCH,
    length: int = LENGTH,
) -> float:
    """Its evaluation: nats a character over random windows, nothing known of what is before one."""
    draws = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(batches):
        x, y = windows(tokens, draws, batch, length)
        losses.append(F.cross_entropy(logits_of(x).flatten(0, 1), y.flatten()).item())
    return sum(losses) / len(losses)


class Block(nn.Module):
    """Attention, then an MLP, both added to their input; no biases."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.inputs, self.output = (
            nn.Linear(WIDTH, width, bias=False) for width in (3 * WIDTH, WIDTH)
        )
        self.wide = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        parts = self.inputs(self.before(x)).split(WIDTH, 2)
        heads = [part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in parts]
        seen = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.output(seen.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.wide(self.between(x))))


class GPT(nn.Module):
    """Learned places, blocks, and the embedding once more as the output."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab_size, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.last = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                added = name.endswith(("output.weight", "narrow.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * BLOCKS) if added else 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        h = self.blocks(self.tokens(x) + self.places.weight[: x.shape[1]])
        return F.linear(self.last(h), self.tokens.weight)


class Network:
    """The model, and the loop that trains it."""

    def __init__(self, vocab_size: int, seed: int = 1337) -> None:
        torch.manual_seed(seed)
        self.model = GPT(vocab_size)
        matrices = [p for p in self.model.parameters() if p.ndim == 2]
        vectors = [p for p in self.model.parameters() if p.ndim != 2]
        groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, HIGHEST, betas=(0.9, 0.99), weight_decay=0.1)
        self.draws = torch.Generator().manual_seed(seed)
        self.done = 0

    def rate(self) -> float:
        """Up in a line, then half a cosine down."""
        if self.done < WARMUP:
            return HIGHEST * (self.done + 1) / (WARMUP + 1)
        share = min((self.done - WARMUP) / (ITERATIONS - WARMUP), 1.0)
        return LOWEST + (HIGHEST - LOWEST) * (1 + math.cos(math.pi * share)) / 2

    def train(self, tokens: Tensor, iterations: int) -> None:
        """So many batches."""
        for _ in range(iterations):
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            x, y = windows(tokens, self.draws)
            loss = F.cross_entropy(self.model(x).flatten(0, 1), y.flatten())
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.done += 1


def main(path: str, iterations: str, every: str) -> None:
    """Train, and print: the iterations, the seconds of the loop, the loss."""
    train, val, characters = prepare(Path(path))
    network = Network(len(characters))
    seconds = 0.0
    while network.done < int(iterations):
        began = time.perf_counter()
        network.train(train, int(every))
        seconds += time.perf_counter() - began
        print(f"{network.done} {seconds:.1f} {judged(network.model, val):.4f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
