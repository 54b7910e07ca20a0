"""Lightning is the reference: each row of the table, by plain LightningCLI and by litmore."""

import re

import pytest
import torch
from seen import WORDS, command, run
from table import TABLE, Row, in_turn
from torch.backends import cudnn

BESIDE = '''"""A user's own module."""


def size_of(batch):
    return len(batch.x)


def halved(step):
    return 0.5**step


def halved_once(step):
    return 0.5 if step == 1 else 1.0
'''
COMPARED = (
    "lrs",
    "steps",
    "validated",
    "dtypes",
    "weights",
    "metrics",
    "kept",
    "logged",
    "parts",
    "inference",
    "judged",
)


@pytest.fixture
def seen(word_file, tmp_path, tmp_path_factory, monkeypatch, capsys):
    """Run a row by one side, in a folder of its own."""
    deterministic, benchmark = torch.are_deterministic_algorithms_enabled(), cudnn.benchmark
    words = word_file(WORDS)

    def see(side, row, view, folder):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "beside.py").write_text(BESIDE)
        monkeypatch.syspath_prepend(tmp_path / folder)
        torch.use_deterministic_algorithms(deterministic)
        cudnn.benchmark = benchmark
        path = trained(side, view, words) if row.name != "fit" else ""
        monkeypatch.chdir(tmp_path / folder)
        args = command(side, row.args, view, words, row.name, path)
        return run(side, args, tmp_path / folder, capsys)

    def trained(side, view, words):
        """A checkpoint of a short run; each process makes one for all its rows."""
        if (side, view) not in _trained:
            folder = tmp_path_factory.mktemp(f"{side}-{view}")
            monkeypatch.chdir(folder)
            args = [*command(side, "", view, words, "fit", ""), "--trainer.default_root_dir", "."]
            assert run(side, args, folder, capsys).error is None
            (path,) = folder.rglob("last.ckpt" if side == "litmore" else "epoch*.ckpt")
            _trained[side, view] = str(path)
        return _trained[side, view]

    yield see
    torch.use_deterministic_algorithms(deterministic)
    cudnn.benchmark = benchmark
    torch.autograd.set_detect_anomaly(False)


CASES = [
    pytest.param(
        row,
        view,
        id=f"{row.name} {row.args or 'as it is'} {view}",
        marks=in_turn(row, number, view),
    )
    for number, row in enumerate(TABLE)
    for view in row.views
]
_without, _trained = {}, {}


@pytest.mark.parametrize(("row", "view"), CASES)
def test_litmore_does_what_lightning_does(seen, tmp_path, row, view):
    plain = seen("plain", row, view, "plain")
    ours = seen("litmore", row, view, "litmore")
    if row.refused is not None:
        assert (plain.error is not None) != bool(row.differs), "plain LightningCLI takes it"
        assert ours.error is not None, "litmore takes it"
        *_, said = ours.error.strip().splitlines()
        assert said.startswith("error: "), ours.error
        assert re.search(row.refused, said), said
        assert "Traceback" not in ours.error
        assert not list((tmp_path / "litmore").glob("logs/*/*")) or ours.steps
        return
    assert (plain.error is not None) == bool(row.plain_fails), plain.error
    assert ours.error is None, ours.error
    if row.says:
        assert re.search(row.says, ours.told), ours.told
    if row.shows and row.shows not in row.but:
        key = (row.name, view)
        if key not in _without:
            args = "--data.predict_path {words}" if row.name == "predict" else ""
            _without[key] = seen("litmore", Row(args, name=row.name), view, "without")
        assert not _same(getattr(ours, row.shows), getattr(_without[key], row.shows)), (
            f"no effect: {getattr(ours, row.shows)}"
        )
    for name in COMPARED:
        if name in row.but or row.plain_fails:
            continue
        one, other = getattr(plain, name), getattr(ours, name)
        if name == "validated" and other != one:
            *other, last = other
            assert last[0] == ours.steps[-1]  # litmore validates after the last step too
        if name == "logged":
            other = [step for step in other if step in one]  # and logs it
        if name == "metrics":
            one, other = one.keys(), other.keys() & one.keys()
        assert _same(one, other), f"{name}: {one} by plain LightningCLI, {other} by litmore"


def _same(one, other):
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    if isinstance(one, list) and one and isinstance(one[0], float):
        return one == pytest.approx(other, rel=1e-9)
    return one == other
