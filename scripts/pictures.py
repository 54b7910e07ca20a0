"""The pictures of README and docs/tensorboard.md, from full runs: `python scripts/pictures.py`.

Trains four shipped configs on the lectures' names (some minutes), or takes the runs of a folder
where it has done so; then looks at them as a person would, in a browser (Debian's Chromium, and
playwright).
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image

from litmore.data import NamesDataModule
from litmore.runs import checkpoint as checkpoints
from litmore.runs.history import curves_of
from litmore.sampling import sample
from litmore.watch.canvas import INK, blank, pixels

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RUNS = ("bigram_counts", "bigram", "mlp", "gru")
LECTURE = {"the lecture's bigram": 2.454, "the lecture's MLP, 200,000 batches": 2.170}
"""Validation losses that it states; docs/results.md has how litmore's own compare."""

COLOURS = {"mlp": "#2e6f95", "gru": "#d1495b"}
COLUMNS, ROWS = 3, 9
"""Of names."""

MOST_COLOURS = 256
"""Of a picture's palette: a tenth of the bytes, and nothing to be seen of it."""


def main() -> None:
    """Train what there is not, and draw all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="a folder with the runs of an earlier call")
    with tempfile.TemporaryDirectory() as scratch:
        folder = parser.parse_args().runs or Path(scratch)
        for name in RUNS:
            if not (folder / "logs" / name).exists():
                train(folder, name)
        save(Image.fromarray(overview(folder / "logs")), "overview")
        with browser(folder / "logs") as (page, address):
            screenshots(page, address)


def train(folder: Path, name: str) -> None:
    """A shipped config on the lectures' names, and its test."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(ROOT / "main.py")]
    config = [ROOT / "configs" / f"{name}.yaml", ROOT / "configs" / "data" / "makemore.yaml"]
    flags = [f"--config={path}" for path in config]
    subprocess.run([*command, "fit", *flags], cwd=folder, check=True)
    best = f"logs/{name}/version_0/checkpoints/best.ckpt"
    subprocess.run([*command, "test", "--ckpt_path", best], cwd=folder, check=True)


def save(picture: Image.Image, name: str) -> None:
    """As a small PNG in docs/."""
    path = DOCS / f"{name}.png"
    picture.convert("RGB").quantize(MOST_COLOURS, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    print(
        f"{path.relative_to(ROOT)}  {picture.width} × {picture.height}  {path.stat().st_size:,} B"
    )


# One picture of a run


def overview(logs: Path) -> np.ndarray:
    """The losses beside the lecture's, names, and the characters as they move."""
    figure = blank(1000, 700)
    losses(figure.add_axes((0.065, 0.54, 0.45, 0.4)), logs)
    names(figure, logs / "gru" / "version_0")
    moments = pictures(logs / "mlp" / "version_0", "watch/embedding")
    for place, (step, picture) in enumerate(moments):
        axes = figure.add_axes((0.015 + 0.33 * place, 0.01, 0.32, 0.37), frame_on=False)
        axes.imshow(picture[75:535, 38:628], interpolation="lanczos")
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"step {step:,}", fontsize=10, color=INK, pad=3)
    said = "the MLP's characters in their embedding: vowels red, consonants blue"
    figure.text(0.02, 0.44, said, fontsize=11, color=INK)
    return pixels(figure)


def losses(axes: Any, logs: Path) -> None:
    """Of two runs, and what the lecture states."""
    for name, colour in COLOURS.items():
        curves = {curve.metric: curve for curve in curves_of(logs / name / "version_0", name)}
        val, test = curves["val/loss"], curves["test/loss"]
        label = f"{name.upper()}: test {test.values[-1]:.3f}"
        axes.plot(val.steps, val.values, "o-", color=colour, linewidth=2, markersize=4, label=label)
    for label, loss in LECTURE.items():
        axes.axhline(loss, color="0.45", linestyle="--", linewidth=1)
        axes.text(1000, loss + 0.008, f"{label}: {loss:.3f}", ha="right", fontsize=9, color="0.3")
    axes.set(ylim=(1.9, 2.52), xlim=(0, 1020))
    axes.set_title("nats a character, over the steps", loc="left", fontsize=11, color=INK)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9)
    axes.legend(fontsize=9, labelcolor=INK, loc="lower left", frameon=False)


def names(figure: Any, run: Path) -> None:
    """What the model makes up that nobody is called, as far as the training's file knows."""
    model = checkpoints.load_model(run / "checkpoints" / "best.ckpt")
    drawn = sample(model, 200, generator=torch.Generator().manual_seed(42), max_length=12)
    known = set(known_names(run))
    new = [name for name in dict.fromkeys(drawn) if len(name) >= 4 and name not in known]
    figure.text(0.56, 0.952, "names that the GRU made up", fontsize=11, color=INK)
    for place, name in enumerate(new[: COLUMNS * ROWS]):
        x, y = 0.56 + 0.15 * (place // ROWS), 0.9 - 0.043 * (place % ROWS)
        figure.text(x, y, name, fontsize=13, color=COLOURS["gru"], va="center")


def known_names(run: Path) -> Iterator[str]:
    """All words of the run's corpus."""
    config = yaml.safe_load((run / "config.yaml").read_text())["data"]["init_args"]
    splits = NamesDataModule(url=config["url"], sha256=config["sha256"]).splits
    for split in splits.values():
        yield from split


def pictures(run: Path, tag: str) -> list[tuple[int, np.ndarray]]:
    """What TensorBoard has under a tag, and the steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run), size_guidance={"images": 0}).Reload()
    return [
        (each.step, np.asarray(Image.open(io.BytesIO(each.encoded_image_string)).convert("RGB")))
        for each in events.Images(tag)
    ]


# TensorBoard's tabs


@contextmanager
def browser(logs: Path) -> Iterator[tuple[Any, str]]:
    """A page of a headless browser, and where TensorBoard shows the runs."""
    from playwright.sync_api import sync_playwright

    command = ["--logdir", logs.name, "--host", "localhost", "--port", "0"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *command],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        cwd=logs.parent,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        address = next(
            found[0]
            for line in server.stderr
            if (found := re.search(r"http://localhost:\d+", line))
        )
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle",
                      "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )  # fmt: skip
            yield chromium.new_page(color_scheme="light"), address
            chromium.close()
    finally:
        server.terminate()
        server.wait()


def screenshots(page: Any, address: str) -> None:
    """Each tab as it opens, but for a pane put aside, and columns of HParams."""
    page.goto(address)
    page.wait_for_timeout(5000)  # until it has read the runs

    def show(tab: str, width: int, height: int, wait: int = 4000) -> None:
        page.set_viewport_size({"width": width, "height": height})
        page.goto("about:blank")
        page.goto(f"{address}/#{tab}")
        page.wait_for_timeout(wait)

    def keep(name: str) -> None:
        save(Image.open(io.BytesIO(page.screenshot())), f"tensorboard_{name}")

    show("timeseries", 1300, 860)
    page.get_by_role("button", name="Settings").click()  # out of the way
    page.wait_for_timeout(3000)
    keep("scalars")
    show("custom_scalars", 1340, 560)
    keep("custom")
    show("images", 1340, 800)
    keep("images")
    show("text", 1000, 640)
    keep("text")
    show("projector", 1200, 760, 12_000)
    keep("projector")
    show("hparams", 1340, 420)
    for column in ("Batch size", "data/block_size"):  # to make room for results
        page.get_by_role("checkbox", name=column, exact=True).click()
    page.wait_for_timeout(1000)
    keep("hparams")


if __name__ == "__main__":
    main()
