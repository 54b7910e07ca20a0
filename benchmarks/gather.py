"""What does it cost that contexts are views, copied only as a batch needs them?

The lecture writes all contexts out first, `X: (N, K)` and `Y: (N,)` of int64, and indexes them.
litmore keeps one byte a token, sees the contexts through `as_strided`, and gathers rows of that.
"""

import torch

from litmore.data import NamesDataModule
from litmore.data.views import Windows
from side_by_side import ratio, side_by_side, spread


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    data = NamesDataModule()
    train = data.splits["train"]
    view = Windows(train, data.block_size)
    x, y = view[torch.arange(len(view))]
    written_out = x.nbytes + y.nbytes
    print(f"{len(view):,} contexts of {data.block_size}: {train.tokens.nbytes:,} bytes as a view,")
    print(f"{written_out:,} written out, {written_out / train.tokens.nbytes:.1f} times as much")
    for batch in (32, 4096):
        examples = torch.randint(len(view), (batch,))
        seconds = side_by_side(
            {
                "view": lambda examples=examples: view[examples],
                "written out": lambda examples=examples: (x[examples], y[examples]),
            }
        )
        print(f"batch {batch:,}: " + ", ".join(f"{n} {spread(s)}" for n, s in seconds.items()))
        print(f"  view ÷ written out: {ratio(seconds['view'], seconds['written out'])}")


if __name__ == "__main__":
    main()
