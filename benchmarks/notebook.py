"""What the lecture's notebook does, as it does it: the reference that litmore is timed against.

Run as a script it is the whole notebook, from a cold start to the last of its steps.
"""

import random
import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK_SIZE = 3
SEED = 2147483647
STEPS = 200_000

Split = tuple[Tensor, Tensor]


def ids_of(words: list[str]) -> dict[str, int]:
    """Of each character; 0 is the boundary."""
    return {".": 0} | {c: i for i, c in enumerate(sorted(set("".join(words))), 1)}


def examples(words: list[str], ids: dict[str, int]) -> Split:
    """One list entry a character."""
    contexts, targets = [], []
    for word in words:
        context = [0] * BLOCK_SIZE
        for character in word + ".":
            contexts.append(context)
            targets.append(ids[character])
            context = [*context[1:], ids[character]]
    return torch.tensor(contexts), torch.tensor(targets)


def prepare(path: Path) -> tuple[dict[str, int], list[Split]]:
    """From the file to the three splits' tensors."""
    words = path.read_text().splitlines()
    ids = ids_of(words)
    random.Random(42).shuffle(words)
    ends = int(0.8 * len(words)), int(0.9 * len(words))
    parts = words[: ends[0]], words[ends[0] : ends[1]], words[ends[1] :]
    return ids, [examples(part, ids) for part in parts]


class Network:
    """Five tensors, and the loop that trains them."""

    def __init__(self, vocab_size: int) -> None:
        generator = torch.Generator().manual_seed(SEED)
        shapes = [(vocab_size, 10), (30, 200), (200,), (200, vocab_size), (vocab_size,)]
        self.parameters = [torch.randn(shape, generator=generator) for shape in shapes]
        for parameter in self.parameters:
            parameter.requires_grad = True
        self.done = 0

    def logits(self, x: Tensor) -> Tensor:
        """(B, 3) → (B, V)."""
        embedding, w1, b1, w2, b2 = self.parameters
        return torch.tanh(embedding[x].view(-1, 30) @ w1 + b1) @ w2 + b2

    def train(self, split: Split, steps: int) -> None:
        """So many minibatches of 32, the learning rate a tenth from the 100,000th on."""
        for _ in range(steps):
            index = torch.randint(0, len(split[0]), (32,))
            loss = F.cross_entropy(self.logits(split[0][index]), split[1][index])
            for parameter in self.parameters:
                parameter.grad = None
            loss.backward()
            lr = 0.1 if self.done < STEPS // 2 else 0.01
            for parameter in self.parameters:
                parameter.data += -lr * parameter.grad
            self.done += 1

    @torch.no_grad()
    def loss(self, split: Split) -> float:
        """On a whole split."""
        return F.cross_entropy(self.logits(split[0]), split[1]).item()

    def sample(self, names: int, characters: str, seed: int) -> list[str]:
        """One name after the other, one character at a time."""
        generator = torch.Generator().manual_seed(seed)
        found = []
        for _ in range(names):
            drawn, context = [], [0] * BLOCK_SIZE
            while True:
                probabilities = F.softmax(self.logits(torch.tensor([context])), dim=1)
                token = torch.multinomial(probabilities, 1, generator=generator).item()
                if token == 0:
                    break
                context = [*context[1:], token]
                drawn.append(characters[token])
            found.append("".join(drawn))
        return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    ids, (train, val, _) = prepare(Path(sys.argv[1]))
    network = Network(len(ids))
    network.train(train, int(sys.argv[2]))
    print(f"{network.loss(val):.4f}")
