"""Python that uses an exported model: for its card."""

from collections.abc import Mapping
from typing import Any


def lines_of_use(name: str, description: Mapping[str, Any]) -> str:
    """For a format: they draw names, or text, or load what is no model of characters.

    They are for a Python that works in the folder.
    """
    if "vocabulary" not in description:
        return _RUNNING[name]
    context, last = _step(description)
    lines = _NAMING[name].replace("CONTEXT", context).replace("LAST", last)
    if not description["vocabulary"].startswith("\n"):
        return lines
    for words, text in _OF_TEXT.items():
        lines = lines.replace(words, text)
    return lines


def _step(description: Mapping[str, Any]) -> tuple[str, str]:
    """What of the tokens so far goes in, and where the last logits stand, as Python."""
    if "block_size" in description:
        size = description["block_size"]
        return f"([0] * {size} + name)[-{size}:]", "[0]"
    limit = description["longest_input"]
    return f"name[-{limit}:]" if limit else "name", "[0, -1]"


_LITMORE = """
import torch

import litmore
from litmore.sampling import sample

model = litmore.load(".")
for name in sample(model, 10, generator=torch.Generator().manual_seed(42)):
    print(name)
"""

_TORCH = """
import json
from pathlib import Path

import torch

model = torch.export.load("model.pt2").module()
characters = "." + json.loads(Path("model.json").read_text("utf-8"))["vocabulary"]
name = [0]
while len(name) == 1 or name[-1] and len(name) < 100:
    logits = model(torch.tensor([CONTEXT]))LAST
    name.append(int(logits.softmax(-1).multinomial(1)))
print("".join(characters[token] for token in name if token))
"""

_ONNX = """
import numpy as np
import onnxruntime

model = onnxruntime.InferenceSession("model.onnx")
characters = "." + model.get_modelmeta().custom_metadata_map["vocabulary"]
name, generator = [0], np.random.default_rng()
while len(name) == 1 or name[-1] and len(name) < 100:
    logits = model.run(["logits"], {"tokens": np.array([CONTEXT])})[0]LAST.astype(float)
    likelihoods = np.exp(logits - logits.max())
    name.append(int(generator.choice(len(logits), p=likelihoods / likelihoods.sum())))
print("".join(characters[token] for token in name if token))
"""

_OF_TEXT = {
    '"." + ': "",  # its newline has id 0
    "len(name) == 1 or name[-1] and len(name) < 100": "len(name) < 500",
    "for token in name if token": "for token in name[1:]",
}
"""What is another of running text, which goes on: in this order."""

_NAMING = {"safetensors": _LITMORE, "torch": _TORCH, "onnx": _ONNX}
"""Each draws a name; CONTEXT and LAST are the model's own."""

_RUNNING = {
    "safetensors": """
import litmore

model = litmore.load(".")
""",
    "torch": """
import torch

program = torch.export.load("model.pt2")
print(program.graph_signature.user_inputs)
model = program.module()
""",
    "onnx": """
import onnxruntime

model = onnxruntime.InferenceSession("model.onnx")
print([(each.name, each.shape, each.type) for each in model.get_inputs()])
""",
}
