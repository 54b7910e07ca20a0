"""What does an exported model take: to make, to keep, to ask? A table as docs/export.md has it.

Each command in a process of its own; the models asked on one thread, in turns.
"""

import statistics
import sys

import onnxruntime
import torch

import litmore
from side_by_side import side_by_side
from stopwatch import scratch
from time_to_loss import cold

FILES = {"safetensors": "model.safetensors", "torch": "model.pt2", "onnx": "model.onnx"}


def measure(config: str, shape: tuple[int, ...], quick: bool = False) -> list[str]:
    """Rows of the table.

    Args:
        config: of the model.
        shape: of what is asked beside B.
        quick: once each.

    """
    with scratch() as folder:
        out = folder / "out"
        root = f"--trainer.default_root_dir={folder}"
        cold("main.py", "fit", f"--config=configs/{config}.yaml", "--trainer.max_steps=20", root)
        (checkpoint,) = folder.glob(f"{config}/*/checkpoints/last.ckpt")
        export = ["main.py", "export", "--ckpt_path", str(checkpoint), "--output", str(out)]
        seconds, sizes = {}, {}
        for kind, file in FILES.items():
            rounds = [cold(*export, "--format", kind) for _ in range(1 if quick else 5)]
            seconds[kind] = statistics.median(rounds)
            sizes[kind] = (out / file).stat().st_size
        cold(*export, "--format", *FILES)
        model, program = litmore.load(out), torch.export.load(out / "model.pt2").module()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(out / "model.onnx", options)
        latencies = {}
        for rows in (1, 1000):
            tokens = torch.randint(model.vocab_size, (rows, *shape))
            array = tokens.numpy()
            candidates = {
                "safetensors": lambda x=tokens: model(x),
                "torch": lambda x=tokens: program(x),
                "onnx": lambda x=array: session.run(None, {"tokens": x}),
            }
            with torch.inference_mode():
                timed = side_by_side(candidates, rounds=1 if quick else 7)
            latencies[rows] = {name: statistics.median(each) * 1e6 for name, each in timed.items()}
    return [
        f"| {config} | {kind} | {seconds[kind]:.1f} s | {sizes[kind]:,} |"
        f" {latencies[1][kind]:,.0f} µs | {latencies[1000][kind]:,.0f} µs |"
        for kind in FILES
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("| model | format | `export` | bytes | a batch of 1 | of 1,000 |")
    print("|---|---|---|---|---|---|")
    for config, shape in (("mlp", (3,)), ("gru", (8,))):
        for row in measure(config, shape, quick="--quick" in sys.argv):
            print(row)
