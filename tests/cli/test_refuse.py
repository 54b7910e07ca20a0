"""Bad input: one line that names the flag or file:line, exit code 2, nothing written."""

import csv
import gzip
import hashlib
import io
import os
import shutil
import sys
import zipfile
from itertools import islice
from pathlib import Path

import pytest
import torch
import yaml

from litmore.cli import main
from litmore.runs.checkpoint import load_model
from litmore.sampling import sample

ROOT = Path(__file__).parents[2]
MLP = str(ROOT / "configs" / "mlp.yaml")
BIGRAM = str(ROOT / "configs" / "bigram.yaml")
COUNTS = str(ROOT / "configs" / "bigram_counts.yaml")
FIT = ["fit", "--config", MLP, "--trainer.accelerator", "cpu"]
HASH = "0" * 64


def files(folder):
    """What lies in a folder: each file and its content's hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture
def run(command_line):
    return command_line


@pytest.fixture
def refused(run, tmp_path):
    """Run a command line that must be refused, and leave everything as it was; its message."""

    def refused(*args):
        before = files(tmp_path), sorted(tmp_path.rglob("*"))
        code, out, err = run(*args)
        assert (code, out) == (2, "")
        assert err.startswith(("error: ", "checkpoint: "))
        (line,) = [line for line in err.splitlines() if not line.startswith("checkpoint: ")]
        assert len(line) < 1000
        assert (files(tmp_path), sorted(tmp_path.rglob("*"))) == before
        return line

    return refused


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The logs folder of a run of three steps on a small corpus that lies beside it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "towns.txt").write_text("anna\nbodo\ncleo\ndora\nemma\n" * 6)
    args = ["--data.path", folder / "towns.txt", "--trainer.default_root_dir", folder / "logs"]
    steps = ["--trainer.max_steps", "3", "--model.hidden_dim", "5"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", "0")
        assert main(list(map(str, [*FIT, *args, *steps]))) == 0
    return folder


@pytest.fixture
def ckpt(trained, tmp_path):
    """Its last checkpoint, alone, as `a.ckpt`; the corpus stays where it was."""
    return shutil.copy(trained / "logs/mlp/version_0/checkpoints/last.ckpt", tmp_path / "a.ckpt")


# Corpora: the file's content, flags beside it, what the line names


def gz_cut():
    return gzip.compress(b"emma\nava\n" * 100)[:-10]


def gz_bomb():
    return gzip.compress(b"a\n" * (1 << 24))


def many_characters():
    return "\n".join(chr(0x10000 + n) for n in range(30_001)).encode()


CORPORA = {
    "empty": (b"", "no words in it"),
    "blank lines only": (b"\n\n \t\r\n", "no words in it"),
    "one word": (b"emma\n", "--data.split"),
    "two words": (b"emma\nava\n", "--data.split"),
    "binary": (bytes(range(1, 256)), ":2: not UTF-8"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(99), "corpus.txt:1: not UTF-8 (byte 0x89 at 0)"),
    "bad UTF-8": (b"anna\nzo\xeb\n", "corpus.txt:2: not UTF-8 (byte 0xeb at 7)"),
    "UTF-16": ("emma\n".encode("utf-16"), "corpus.txt: UTF-16 text; convert it: iconv"),
    "NUL": (b"a\nb\nc\0\n", "corpus.txt:3: control character U+0000"),
    "escape": (b"a\n\x1b[1mb\n", "corpus.txt:2: control character U+001B"),
    "CR alone": (b"emma\rava\rmia\r", "corpus.txt: its lines end in CR alone"),
    "a table": (b"emma\tF\t20\n", "corpus.txt:1: control character U+0009"),
    "a long line": (b"a\n" + b"b" * 10_001 + b"\n", "corpus.txt:2: a word of 10,001 characters"),
    "too many characters": (many_characters(), "30,001 different characters"),
    "gz cut": (gz_cut(), "not a whole gzip file"),
    "gz of text": (b"emma\nava\n", "not a whole gzip file"),
    "gz bomb": (gz_bomb(), "unfolds to more than 16,777,216 bytes"),
}


@pytest.mark.parametrize(("content", "named"), CORPORA.values(), ids=CORPORA)
def test_a_corpus_is_refused(refused, tmp_path, request, content, named):
    suffix = "txt.gz" if "[gz" in request.node.name else "txt"
    (tmp_path / f"corpus.{suffix}").write_bytes(content)
    assert named in refused(*FIT, "--data.path", f"corpus.{suffix}")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("nope.txt", "nope.txt: no such file"),
        (".", "a folder"),
        ("loop", "loop: cannot be read"),
        ("/dev/zero", "/dev/zero: no regular file"),
        ("a\0b", "no file's name"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_a_path_is_refused(refused, tmp_path, path, named):
    (tmp_path / "loop").symlink_to("loop")
    assert named in refused(*FIT, "--data.path", path)


# Flags and configs


FLAGS = {
    "no subcommand": ([], "subcommand"),
    "an unknown subcommand": (["fitt"], "fitt"),
    "no such config": (["fit", "--config", "nope.yaml"], "nope.yaml"),
    "a folder as config": (["fit", "--config", "."], "--config"),
    "an unknown flag": ([*FIT, "--trainer.max_stepz", "3"], "trainer.max_steps meant"),
    "a stray word": ([*FIT, "emma"], "emma"),
    "an unknown model setting": ([*FIT, "--model.hiden_dim", "3"], "is hidden_dim meant"),
    "an unknown data setting": ([*FIT, "--data.pth", "3"], "--data.pth: no such setting; is path"),
    "a word for a number": ([*FIT, "--model.hidden_dim", "x"],
        "--model.hidden_dim x: must be int"),
    "a fraction for a number": ([*FIT, "--data.batch_size", "1.5"], "--data.batch_size 1.5"),
    "width 0": ([*FIT, "--model.hidden_dim", "0"], "--model.hidden_dim 0"),
    "width negative": ([*FIT, "--model.embedding_dim", "-3"], "--model.embedding_dim -3"),
    "no width": ([*FIT, "--model.hidden_dim", "null"], "--model.hidden_dim null"),
    "no batch size": ([*FIT, "--data.batch_size", "null"], "--data.batch_size null"),
    "width beyond memory": ([*FIT, "--model.hidden_dim", "99999999999"], "--model: too large"),
    "block size 0": ([*FIT, "--data.block_size", "0"], "--data.block_size 0"),
    "block size large": ([*FIT, "--data.block_size", "10001"], "--data.block_size 10001"),
    "batch size 0": ([*FIT, "--data.batch_size", "0"], "--data.batch_size 0"),
    "batch size large": ([*FIT, "--data.batch_size", "9" * 30], "--data.batch_size 999"),
    "eval batch size": ([*FIT, "--data.eval_batch_size", "-1"], "--data.eval_batch_size -1"),
    "no words": ([*FIT, "--data.max_words", "0"], "--data.max_words 0"),
    "each word once of a mapped file": (
        [*FIT, "--data.unique", "true", "--data.memory_map", "true"], "--data.unique true"
    ),
    "neither mapped nor not": ([*FIT, "--data.memory_map", "2"], "--data.memory_map 2"),
    "ratios above 1": ([*FIT, "--data.split", "[.8,.1,.2]"], "--data.split"),
    "ratios negative": ([*FIT, "--data.split", "[1.2,-.1,-.1]"], "--data.split"),
    "ratios NaN": ([*FIT, "--data.split", "[.nan,.5,.5]"], "--data.split"),
    "two ratios": ([*FIT, "--data.split", "[.5,.5]"], "--data.split"),
    "nothing to train on": ([*FIT, "--data.split", "[0,.5,.5]"], "--data.split"),
    "wrong view": ([*FIT, "--data.view", "words"], "--data.view words"),
    "no such view": ([*FIT, "--data.view", "letters"],
        "--data.view letters: must be one of windows, "),
    "a bigram's context": (
        ["fit", "--config", BIGRAM, "--data.block_size", "3"], "--data.block_size 3",
    ),
    "not https": (
        [*FIT, "--data.url", "http://example.invalid/x", "--data.sha256", HASH], "only https",
    ),
    "a local file as URL": (
        [*FIT, "--data.url", "file://localhost/etc/hosts", "--data.sha256", HASH], "only https",
    ),
    "a URL without hash": ([*FIT, "--data.url", "https://example.invalid/x"], "--data.sha256"),
    "no hash": ([*FIT, "--data.sha256", "abc"], "--data.sha256 abc"),
    "another hash": ([*FIT, "--data.sha256", HASH], f"--data.sha256 {HASH}: "),
    "a vocabulary with a twin": ([*FIT, "--data.vocabulary", "aba"], "vocabulary 'aba'"),
    "a vocabulary too small": ([*FIT, "--data.vocabulary", "ab"], "names.txt:1: 'e'"),
    "lr 0": ([*FIT, "--optimizer.lr", "0"], "--optimizer.lr 0.0: must be above 0"),
    "lr negative": ([*FIT, "--optimizer.lr", "-1"], "--optimizer.lr -1"),
    "lr NaN": ([*FIT, "--optimizer.lr", ".nan"], "--optimizer.lr nan"),
    "lr infinite": ([*FIT, "--optimizer.lr", ".inf"], "--optimizer.lr inf"),
    "lr a word": ([*FIT, "--optimizer.lr", "fast"],
        "--optimizer.lr fast: must be float"),
    "peak rate NaN": ([*FIT, "--lr_scheduler.max_lr", ".nan"], "--lr_scheduler.max_lr"),
    "betas": ([*FIT, "--optimizer.betas", "[2,3]"], "--optimizer, --lr_scheduler: "),
    "weight decay": ([*FIT, "--optimizer.weight_decay", "-1"], "--optimizer, --lr_scheduler: "),
    "no model": (["fit"], "--model"),
    "smoothing negative": (
        ["fit", "--config", COUNTS, "--model.smoothing", "-1"], "--model.smoothing -1",
    ),
    "no length": (
        [*FIT, "--trainer.max_steps", "-1", "--trainer.max_epochs", "-1"],
        "--lr_scheduler: as long as the training, which has no end",
    ),
    "schedule too short": ([*FIT, "--lr_scheduler.total_steps", "9"], "total_steps 9"),
    "seed negative": ([*FIT, "--seed_everything", "-1"], "--seed_everything -1"),
    "seed true": ([*FIT, "--seed_everything", "true"], "--seed_everything true"),
    "seed a word": ([*FIT, "--seed_everything", "noise"], "--seed_everything noise"),
    "seed large": ([*FIT, "--seed_everything", "4294967296"], "--seed_everything 4294967296"),
    "no such class": ([*FIT, "--model", "litmore.models.MPL"], "litmore.models.MPL"),
    "a misspelt class": ([*FIT, "--optimizer", "AdmW"], "is AdamW meant"),
    "a class of another kind": ([*FIT, "--model", "torch.optim.AdamW"], "torch.optim.AdamW"),
    "a class without its setting": (
        [*FIT, "--trainer.callbacks+=EarlyStopping"], "--trainer.callbacks.monitor: must be given",
    ),
    "a setting of a callback": (
        [*FIT, "--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitr=val/loss"],
        "is monitor meant",
    ),
    "the standard library": ([*FIT, "--model", "subprocess.Popen"], "--trust_config"),
    "a module of code": ([*FIT, "--trainer.logger", "os.system"], "--trust_config"),
    "a schedule without monitor": (
        [*FIT, "--lr_scheduler", "torch.optim.lr_scheduler.ReduceLROnPlateau"],
        "--lr_scheduler: torch's own ReduceLROnPlateau",
    ),
    "no accumulation": (
        [*FIT, "--trainer.accumulate_grad_batches", "0"], "--trainer.accumulate_grad_batches 0",
    ),
    "validation beyond the epoch": (
        [*FIT, "--trainer.check_val_every_n_epoch=1", "--trainer.val_check_interval", "23"],
        "--trainer: `val_check_interval` (23) must be less than or equal to the number of the"
        " training batches (22)",
    ),
    "validation never": ([*FIT, "--trainer.check_val_every_n_epoch", "0"], "check_val_every_n"),
    "a share below one batch": (
        [*FIT, "--trainer.limit_train_batches", "1e-6"],
        "1e-06 * 22 < 1. Please increase the `limit_train_batches`",
    ),
    "a share above all": ([*FIT, "--trainer.limit_val_batches", "1.5"], "limit_val_batches"),
    "no batches": ([*FIT, "--trainer.limit_train_batches", "0"], "--trainer.limit_train_batches 0"),
    "no such accelerator": ([*FIT[:3], "--trainer.accelerator", "abacus"], "--trainer: "),
    "tpu without one": ([*FIT[:3], "--trainer.accelerator", "tpu"], "--trainer: "),
    "devices 0": ([*FIT, "--trainer.devices", "0"], "--trainer: "),
    "copies of a process": ([*FIT, "--trainer.strategy", "ddp_spawn"], "--trainer.strategy: "),
    "more devices than can be": ([*FIT, "--trainer.devices", "9999"], "--trainer.devices 9999"),
    "no such strategy": ([*FIT, "--trainer.strategy", "magic"], "magic"),
    "no such precision": ([*FIT, "--trainer.precision", "7"],
        "--trainer.precision 7: must be one of 64"),
    "no such profiler": ([*FIT, "--trainer.profiler", "nope"], "--trainer: "),
    "gradients clipped below 0": (
        [*FIT, "--trainer.gradient_clip_val", "-1"], "--trainer.gradient_clip_val -1",
    ),
    "time": ([*FIT, "--trainer.max_time", "soon"], "--trainer: "),
    "logs a file": ([*FIT, "--trainer.default_root_dir", "file"], "file is a file"),
    "logs below a file": ([*FIT, "--trainer.default_root_dir", "file/a"], "file is a file"),
    "logs read-only": (
        [*FIT, "--trainer.default_root_dir", "/proc/logs"], "--trainer.default_root_dir /proc/logs",
    ),
    "run name a path": ([*FIT, "--run_name", "../x"], "--run_name ../x"),
    "run name a parent": ([*FIT, "--run_name", ".."], "--run_name .."),
    "weights that run code": ([*FIT, "--weights_only", "false"], "--weights_only false"),
    "the finder's range": (
        [*FIT, "--trainer.callbacks+=litmore.callbacks.LRFinder", "--trainer.callbacks.min_lr=0"],
        "min_lr 0",
    ),
    "nothing to find": (
        ["fit", "--config", COUNTS, "--trainer.callbacks+=litmore.callbacks.LRFinder"], "LRFinder",
    ),
    "nothing to judge": (["validate", "--config", MLP], "--ckpt_path"),
    "no run to go on": ([*FIT, "--ckpt_path", "last"], "--ckpt_path last"),
    "no best": (["test", "--ckpt_path", "best"], "--ckpt_path best"),
    "checkpoint missing": (["validate", "--ckpt_path", "no.ckpt"], "--ckpt_path no.ckpt: no such"),
    "checkpoint a folder": (["test", "--ckpt_path", "."], "--ckpt_path .: a folder"),
    "checkpoint a URL": (["sample", "--ckpt_path", "https://x.invalid/a.ckpt"], "a URL"),
    "checkpoint empty": (["validate", "--ckpt_path", "empty"], "--ckpt_path"),
    "checkpoint text": (["sample", "--ckpt_path", "file"], "--ckpt_path"),
    "sample without checkpoint": (["sample"], "ckpt_path"),
}  # fmt: skip


@pytest.mark.parametrize(("args", "named"), FLAGS.values(), ids=FLAGS)
def test_flags_are_refused(refused, tmp_path, args, named):
    (tmp_path / "file").write_text("emma\n")
    (tmp_path / "empty").touch()
    assert named in refused(*args)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(refused):
    assert "gpu" in refused(*FIT[:3], "--trainer.accelerator", "gpu")


def nested(depth):
    return b"trainer: " + b"[" * depth + b"]" * depth


CONFIGS = {
    "malformed": (b"model:\n  class_path: [\ntrainer: 3\n", "mine.yaml:2: not YAML"),
    "a tab": (b"trainer:\n\tmax_steps: 3\n", "mine.yaml:2: not YAML"),
    "not UTF-8": (b"trainer: {max_steps: 3} # \xeb\n", "mine.yaml: not UTF-8 (byte 0xeb)"),
    "null for a yes or no": (
        b"trainer:\n  detect_anomaly: null\n",
        "--trainer.detect_anomaly null: must be true or false",
    ),
    "empty": (b"", "mine.yaml: no config"),
    "a list": (b"- 1\n", "mine.yaml: no config"),
    "a word": (b"emma\n", "mine.yaml: no config"),
    "two documents": (b"trainer: {}\n---\ntrainer: {}\n", "mine.yaml:2: not YAML"),
    "an unknown group": (b"trainr:\n  max_steps: 3\n", "mine.yaml:2: --trainr.max_steps"),
    "an unknown key": (
        b"trainer:\n  max_stepz: 3\n",
        "mine.yaml:2: --trainer.max_stepz: no such setting; is trainer.max_steps meant?",
    ),
    "an unknown model setting": (
        b"model:\n  class_path: litmore.models.MLP\n  init_args:\n    hiden_dim: 3\n",
        "mine.yaml:4: --model.hiden_dim: no such setting; is hidden_dim meant?",
    ),
    "an unknown callback setting": (
        b"trainer:\n  callbacks:\n    - class_path: litmore.callbacks.LRFinder\n"
        b"      init_args:\n        steps: 3\n",
        "mine.yaml:5: --trainer.callbacks.steps: no such setting; is num_steps meant?",
    ),
    "a key twice": (b"trainer:\n  max_steps: 3\n  max_steps: 4\n", "mine.yaml:3: max_steps: "),
    "a wrong type": (b"trainer:\n  max_steps: many\n", "mine.yaml:2: --trainer.max_steps many"),
    "a wrong model type": (
        b"\nmodel:\n  init_args:\n    hidden_dim: wide\n",
        "mine.yaml:4: --model.hidden_dim wide: must be int",
    ),
    "a width of 0": (b"model:\n  init_args: {hidden_dim: 0}\n", "mine.yaml:2: --model.hidden_dim"),
    "a rate of 0": (b"optimizer:\n  init_args:\n    lr: 0\n", "mine.yaml:3: --optimizer"),
    "a class that is not there": (
        b"model:\n  class_path: litmore.models.MPL\n",
        "Problem with given class_path 'litmore.models.MPL'",
    ),
    "a class of a stranger": (
        b"model:\n  class_path: hypothesis.core.X\n", "mine.yaml:2: --model hypothesis.core.X",
    ),
    "a function": (
        b"lr_scheduler:\n  class_path: torch.optim.lr_scheduler.LambdaLR\n"
        b"  init_args:\n    lr_lambda: os.system\n",
        "os.system",
    ),
    "a Python object": (
        b"trainer: !!python/object/apply:os.mkdir [pwned]\n",
        "mine.yaml:1: !!python/object/apply:os.mkdir: ",
    ),
    "a Python name": (b"trainer:\n  x: !!python/name:os.system\n", "mine.yaml:2: !!python/name"),
    "a tag of its own": (b"trainer: !env {a: 1}\n", "mine.yaml:1: !env"),
    "itself inside": (b"trainer: &a\n  b: *a\n", "mine.yaml:1: more than"),
    "a billion laughs": (
        b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9))
                   for c in range(ord("a"), ord("h"))),
        "more than 100,000 values",
    ),
    "nested too deep": (nested(2_000), "mine.yaml: nested too deep"),
    "a checkpoint": (b"ckpt_path: last\n", "mine.yaml:1: --ckpt_path last: no run in logs/mlp"),
    "trust in itself": (b"trust_config: true\n", "--trust_config"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "named"), CONFIGS.values(), ids=CONFIGS)
def test_a_config_is_refused(refused, tmp_path, content, named):
    (tmp_path / "mine.yaml").write_bytes(content)
    assert named in refused(*FIT, "--config", "mine.yaml")


# Trust

MODULE = """
from pathlib import Path
from litmore.models import MLP
Path("imported").touch()
class Mine(MLP):
    pass
"""


def test_a_stranger_is_imported_with_trust_alone(run, refused, tmp_path, monkeypatch):
    site = tmp_path / "elsewhere" / "site"
    site.mkdir(parents=True)
    (site / "stranger_a.py").write_text(MODULE)
    monkeypatch.syspath_prepend(site)
    args = [*FIT, "--model", "stranger_a.Mine", "--trainer.max_steps", "1"]
    assert "--model stranger_a.Mine: not imported" in refused(*args)
    assert not (tmp_path / "imported").exists()
    assert run(*args, "--trust_config")[0] == 0
    (tmp_path / "imported").unlink()
    ckpt = shutil.copy("logs/mlp/version_0/checkpoints/last.ckpt", "stranger.ckpt")
    del sys.modules["stranger_a"]
    for command in ("sample", "validate", "fit"):
        assert "not imported: stranger_a" in refused(command, "--ckpt_path", ckpt)
    assert not (tmp_path / "imported").exists()
    assert run("sample", "--ckpt_path", ckpt, "--num_samples", 1, "--trust_config")[0] == 0


def test_a_module_of_this_folder_is_imported(run, tmp_path, monkeypatch):
    (tmp_path / "my_mlp_b.py").write_text(MODULE)
    (tmp_path / "package_b").mkdir()
    (tmp_path / "package_b" / "inner.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_mlp_b.Mine", "package_b.inner.Mine"):
        assert run(*FIT, "--model", name, "--trainer.max_steps", "1")[0] == 0


class Payload:
    """A pickle that would make a folder."""

    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("command", ["fit", "validate", "test", "sample"])
@pytest.mark.parametrize("forced", [False, True])
def test_pickled_code_never_runs(refused, ckpt, tmp_path, monkeypatch, command, forced):
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    checkpoint = torch.load(ckpt, weights_only=True)
    torch.save({**checkpoint, "more": Payload()}, "evil.ckpt")
    assert "nothing in it was run" in refused(command, "--ckpt_path", "evil.ckpt")
    assert not (tmp_path / "pwned").exists()


# Checkpoints


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("command", ["sample", "fit"])
def test_a_checkpoint_cut_short_is_refused(refused, ckpt, command, tenth):
    whole = Path(ckpt).read_bytes()
    Path("cut.ckpt").write_bytes(whole[: len(whole) * tenth // 10])
    assert "cut.ckpt: not a" in refused(command, "--ckpt_path", "cut.ckpt")


def edited(**changes):
    """A checkpoint with keys changed, or taken out where they are None."""

    def edit(checkpoint):
        return {k: v for k, v in {**checkpoint, **changes}.items() if v is not None}

    return edit


def narrow(checkpoint):
    weights = dict(checkpoint["state_dict"])
    weights["hidden.weight"] = weights["hidden.weight"][:3]
    return {**checkpoint, "state_dict": weights}


def lacking(checkpoint):
    weights = dict(checkpoint["state_dict"])
    del weights["output.bias"]
    return {**checkpoint, "state_dict": weights}


DAMAGED = {
    "a list": (lambda _: [1, 2], "not a checkpoint of a litmore model"),
    "of another program": (lambda _: {"model": torch.zeros(3)}, "not a checkpoint of a litmore"),
    "no weights": (edited(state_dict=None), "no usable state_dict"),
    "weights no tensors": (edited(state_dict={"a": 1}), "more than tensors"),
    "weights lacking": (lacking, "output.bias"),
    "weights of another size": (narrow, "hidden.weight"),
    "no settings": (edited(hyper_parameters=None), "no usable hyper_parameters"),
    "a config of nothing": (edited(config={"model": 3}), "no usable model"),
    "a config that is none": (edited(config=True), "no usable config"),
    "settings of another model": (edited(hyper_parameters={"a": 1}), "--ckpt_path"),
    "a class that is not there": (edited(class_path="litmore.models.Nope", config=None), "Nope"),
    "no model's class": (edited(class_path="torch.nn.Linear", config=None), "torch.nn.Linear"),
    "a class path of no module": (edited(class_path="Nope", config=None), "Nope"),
}


@pytest.mark.parametrize(("edit", "named"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_checkpoint_is_refused(refused, ckpt, edit, named):
    torch.save(edit(torch.load(ckpt, weights_only=True)), "b.ckpt")
    command = "validate" if edit is DAMAGED["a config of nothing"][0] else "sample"
    assert named in refused(command, "--ckpt_path", "b.ckpt")


def test_a_flipped_bit_in_the_weights_is_refused(refused, ckpt):
    with zipfile.ZipFile(ckpt) as archive:
        largest = max(archive.infolist(), key=lambda each: each.file_size)
    content = bytearray(Path(ckpt).read_bytes())
    content[largest.header_offset + 200] ^= 1
    Path("flipped.ckpt").write_bytes(content)
    assert "flipped.ckpt" in refused("sample", "--ckpt_path", "flipped.ckpt")


MISFITS = {
    "another width": (["--model.hidden_dim", "7"], "hidden.bias is (5,) there and (7,) here"),
    "another model": (["--model", "NeuralBigram", "--data.block_size", "1"], "--ckpt_path"),
    "another vocabulary": (["--data.vocabulary", "rolnmedcba"], "its vocabulary is 'abcdelmnor'"),
    "another split": (["--data.split", "[.5,.5,.5]"], "--data.split"),
    "another corpus": (["--data.path", "strange.txt"], "strange.txt:1: 'z'"),
}


@pytest.mark.parametrize(("args", "named"), MISFITS.values(), ids=MISFITS)
@pytest.mark.parametrize("command", ["fit", "validate"])
def test_a_checkpoint_that_fits_not_is_refused(refused, ckpt, command, args, named):
    Path("strange.txt").write_text("zoe\n" * 30)
    assert named in refused(command, "--ckpt_path", ckpt, *args)


def test_weights_alone_are_judged_and_not_trained_on(run, refused, ckpt):
    checkpoint = torch.load(ckpt, weights_only=True)
    torch.save(edited(optimizer_states=None, lr_schedulers=None)(checkpoint), "weights.ckpt")
    more = ["--ckpt_path", "weights.ckpt", "--trainer.max_steps", "9"]
    assert "holds weights alone (no optimizer_states)" in refused("fit", *more)
    assert run("validate", "--ckpt_path", "weights.ckpt")[0] == 0


def test_a_corpus_changed_since_its_checkpoint_is_refused(run, refused, tmp_path):
    corpus = tmp_path / "names.txt"
    corpus.write_text("anna\nbodo\ncleo\n" * 10)
    old = hashlib.sha256(corpus.read_bytes()).hexdigest()
    assert run(*FIT, "--data.path", "names.txt", "--trainer.max_steps", "2")[0] == 0
    config = yaml.safe_load(Path("logs/mlp/version_0/config.yaml").read_text())
    assert config["data"]["init_args"]["sha256"] == old
    corpus.write_text("cleo\nbodo\nanna\n" * 10)
    new = hashlib.sha256(corpus.read_bytes()).hexdigest()
    on = ["fit", "--ckpt_path", "last", "--trainer.max_steps", "4"]
    for args in (on, [*on, "--data.path", "names.txt"], ["validate", "--ckpt_path", "last"]):
        line = refused(*args)
        assert old in line
        assert new in line
        assert "--data.sha256 null" in line
    assert run("validate", "--ckpt_path", "last", "--data.sha256", "null")[0] == 0
    assert run(*on, "--data.sha256", "null")[0] == 0
    config = yaml.safe_load(Path("logs/mlp/version_0/config.yaml").read_text())
    assert config["data"]["init_args"]["sha256"] == new
    shutil.copy(corpus, "other.txt")
    assert run("validate", "--ckpt_path", "last", "--data.path", "other.txt")[0] == 0


# sample and predict


SAMPLE = {
    "temperature negative": (["--temperature", "-1"], "--temperature -1"),
    "temperature NaN": (["--temperature", ".nan"], "--temperature nan"),
    "temperature infinite": (["--temperature", ".inf"], "--temperature inf"),
    "temperature a word": (
        ["--temperature", "hot"],
        "--temperature hot: must be float",
    ),
    "top_k 0": (["--top_k", "0"], "--top_k 0"),
    "top_k negative": (["--top_k", "-2"], "--top_k -2"),
    "a negative number": (["--num_samples", "-1"], "--num_samples -1"),
    "an unknown character": (["--prompt", "annä"], "'ä' (U+00E4) is not among the model's"),
    "a newline": (["--prompt", "a\nb"], "U+000A is not among the model's"),
    "length 0": (["--max_length", "0"], "--max_length 0"),
    "a length beyond memory": (["--max_length", "999999999"], "--max_length 999999999"),
    "a prompt as long as the limit": (["--prompt", "anna", "--max_length", "4"], "--max_length 4"),
    "a seed beyond": (["--seed", str(2**63)], "--seed 9223372036854775808"),
    "an unknown flag": (["--num_sample", "3"], "is num_samples meant"),
    "a flag of training": (["--trainer.max_steps", "3"], "--trainer.max_steps: no such setting"),
}


@pytest.mark.parametrize(("args", "named"), SAMPLE.values(), ids=SAMPLE)
def test_sample_refuses(refused, ckpt, args, named):
    assert named in refused("sample", "--ckpt_path", ckpt, *args)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ([], "--data.predict_path"),
        (["--data.predict_path", "nope.txt"], "nope.txt: no such file"),
        (["--data.predict_path", "control.txt"], "control.txt:2: control character"),
    ],
)
def test_predict_refuses(refused, ckpt, args, named):
    Path("control.txt").write_bytes(b"anna\nb\x01\n")
    assert named in refused("predict", "--ckpt_path", ckpt, *args)


@pytest.mark.parametrize("words", ["zoë anna émma bodo q", "anna zoë", "zoë anna", "q z", "anna"])
@pytest.mark.parametrize("batch_size", [1, 32])
def test_predict_tells_of_words_it_cannot_score(run, ckpt, words, batch_size):
    Path("words.txt").write_text("\n".join(words.split()), encoding="utf-8")
    path = ["--data.predict_path", "words.txt", "--data.batch_size", batch_size]
    code, out, _ = run("predict", "--ckpt_path", ckpt, *path)
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["word"] for row in rows] == words.split()
    alphabet = set("abcdelmnor")
    for row in rows:
        unknown = "".join(dict.fromkeys(c for c in row["word"] if c not in alphabet))
        assert row["unknown"] == unknown
        assert bool(row["nll"]) == (not unknown)


def test_many_samples_are_a_stream(ckpt):
    model = load_model(Path(ckpt))
    names = sample(model, 10**12, generator=torch.Generator().manual_seed(1))
    assert len(list(islice(names, 9))) == 9


# What is asked for on the command line is what is meant


@pytest.mark.parametrize(("given", "kept"), [("1", 1), ("1.0", 1.0), ("3", 3), ("0.5", 0.5)])
def test_a_count_of_batches_is_no_share(run, capsys, given, kept):
    flags = [f"--trainer.limit_{name}_batches={given}" for name in ("train", "val", "test")]
    with pytest.raises(SystemExit):
        run(*FIT, *flags, "--print_config")
    trainer = yaml.safe_load(capsys.readouterr().out)["trainer"]
    for name in ("train", "val", "test"):
        value = trainer[f"limit_{name}_batches"]
        assert (value, type(value)) == (kept, type(kept))


def test_a_profiler_reports(run):
    args = ["--trainer.profiler", "simple", "--trainer.max_steps", "1"]
    assert "Profiler Report" in run(*FIT, *args)[2]


def test_processes_that_the_environment_wrongly_counts_are_not_waited_for(refused, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")  # as a process leaves them that has trained before
    monkeypatch.setenv("WORLD_SIZE", "1")
    line = refused(*FIT, "--trainer.devices=2", "--trainer.strategy=ddp")
    told = "--trainer.devices 2, --trainer.num_nodes 1: LOCAL_RANK and WORLD_SIZE=1 in the environ"
    assert line.startswith(f"error: {told}")
