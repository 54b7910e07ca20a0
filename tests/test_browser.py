"""TensorBoard as a person sees it: a real browser on a real server on real runs.

Skipped where there is no Chromium (Debian: `apt-get install chromium`). The screenshots are left in
`logs/screenshots/`.
"""

import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from litmore.cli import main

ROOT = Path(__file__).parents[1]
SCREENSHOTS = ROOT / "logs" / "screenshots"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
PATIENCE = 60_000  # milliseconds, on a busy machine
SMALL = ["--data.max_words", "3000", "--data.batch_size", "512", "--trainer.accelerator", "cpu",
         "--trainer.log_every_n_steps", "5", "--trainer.enable_progress_bar", "false"]  # fmt: skip

pytestmark = [
    pytest.mark.torture,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture
def logs(tmp_path):
    """An MLP, judged by `test`, and a bigram by counting."""
    folder = ["--trainer.default_root_dir", str(tmp_path / "logs")]
    for config, length in (("mlp", ["--trainer.max_steps", "60"]), ("bigram_counts", [])):
        path = str(ROOT / "configs" / f"{config}.yaml")
        assert main(["fit", "--config", path, *SMALL, *folder, *length]) == 0
    best = tmp_path / "logs" / "mlp" / "version_0" / "checkpoints" / "best.ckpt"
    assert main(["test", "--ckpt_path", str(best)]) == 0
    return tmp_path / "logs"


@pytest.fixture
def address(logs):
    """A server on this machine alone, on a free port; it is stopped, and the test sees to that."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", logs.name, "--host", "localhost",
         "--port", "0", "--reload_interval", "1"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        cwd=logs.parent,
    )  # fmt: skip
    try:
        for line in server.stderr:
            if found := re.search(r"http://localhost:\d+", line):
                break
        else:
            pytest.fail("the server did not start")
        # It goes on to talk; nobody shall have to wait for a full pipe.
        reader = threading.Thread(target=server.stderr.read, daemon=True)
        reader.start()
        yield found[0]
    finally:
        server.terminate()
        assert server.wait(timeout=30) is not None
        server.stderr.close()


@pytest.fixture
def page(address):
    """A page of a headless browser, which may talk to the server alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.route(
            re.compile(".*"),
            lambda route: (
                route.continue_() if route.request.url.startswith(address) else route.abort()
            ),
        )
        yield page
        browser.close()


def test_every_tab_shows_the_run(page, address):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def show(tab):
        page.goto("about:blank")
        page.goto(f"{address}/#{tab}")

    def keep(tab):
        page.screenshot(path=SCREENSHOTS / f"{tab}.png")

    def shown(text):
        page.get_by_text(text, exact=True).first.wait_for()

    show("custom_scalars")
    for chart in ("loss", "perplexity", "bits_per_char", "accuracy"):
        shown(chart)
    page.locator("vz-line-chart2").first.wait_for()
    page.wait_for_timeout(1000)  # the lines are drawn after the axes
    keep("custom_scalars")

    show("timeseries")
    tag_filter = page.locator("input[placeholder='Filter tags (regex)']")
    for tag in ("train/loss", "results/test_loss", "val/loss"):
        tag_filter.fill(f"^{tag}$")
        page.get_by_title(tag).first.wait_for()
    keep("scalars")

    show("images")
    shown("tag: watch/bigram")
    pictures = page.locator("tf-image-loader img")
    pictures.first.wait_for()
    page.wait_for_function("""() => {
        const all = (root) => [...root.querySelectorAll('*')].flatMap(
            (e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
        const images = all(document).filter((e) => e.tagName === 'IMG' && e.src.includes('image'));
        return images.length >= 2 && images.every((e) => e.complete && e.naturalWidth > 300);
    }""")
    keep("images")

    show("text")
    shown("samples/text_summary")
    page.get_by_text("setup", exact=True).first.click()  # a third group is folded
    shown("setup/config/text_summary")
    page.get_by_text("class_path: litmore.models.MLP").first.wait_for(state="attached")
    keep("text")

    show("histograms")
    page.get_by_text("watch_activations/activation").first.wait_for()
    keep("histograms")

    show("projector")
    projector = page.frame_locator("iframe").frame_locator("iframe")
    projector.get_by_text(re.compile(r"Points:\s*27")).first.wait_for()
    projector.get_by_text(re.compile(r"Dimension:\s*10")).first.wait_for()
    page.wait_for_timeout(1000)  # the points are drawn after their number
    keep("projector")

    page.set_viewport_size({"width": 2000, "height": 520})
    show("hparams")
    for heading in ("Model", "Batch size", "results/best_val_loss"):
        page.get_by_text(heading).first.wait_for(state="attached")
    for run in ("mlp/version_0", "bigram_counts/version_0"):
        page.get_by_text(run).first.wait_for()
    assert page.get_by_text("_instantiator").count() == 0
    assert page.get_by_text("hp_metric").count() == 0
    keep("hparams")
