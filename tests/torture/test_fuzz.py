"""Random bad input: whatever it is, it ends by one of the defined exits, with one line."""

import gzip
import io
import os
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from litmore.cli import main

pytestmark = [
    pytest.mark.torture,
    pytest.mark.filterwarnings("default"),  # the line counts; a warning of torch's is none
]

ROOT = Path(__file__).parents[2]
CONFIG = {
    "model": {"class_path": "litmore.models.MLP", "init_args": {"hidden_dim": 4}},
    "data": {"class_path": "litmore.data.NamesDataModule", "init_args": {"max_words": 60}},
    "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}},
    "trainer": {
        "max_steps": 2,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "logger": False,
        "log_every_n_steps": 1,
    },
}


def examples(number):
    """So many random inputs, times $FUZZ."""
    number = int(number * float(os.environ.get("FUZZ", "1")))
    phases = (Phase.explicit, Phase.generate)  # what fails is shown as it is: shrinking takes long
    checks = list(HealthCheck)
    return settings(max_examples=number, suppress_health_check=checks, phases=phases)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs are; one that trains on a small corpus has left `a.ckpt` there."""
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setenv("PL_GLOBAL_SEED", "0")
        (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
        assert run("fit", "--config", "config.yaml") == 0
        Path("logs/config/version_0/checkpoints/last.ckpt").rename("a.ckpt")
        yield folder


def run(*args):
    """The exit code of a command; where it is 2, one line says why and no run was opened."""
    runs = set(Path("logs").glob("*/*"))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(map(str, args)))
    lines = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
    assert code in (0, 2)
    assert len(lines) == (code == 2)
    if code == 2:
        assert set(Path("logs").glob("*/*")) == runs
        assert out.getvalue() == ""
    return code


BYTES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(str.encode),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=60).map(
        lambda words: "\n".join(words).encode()
    ),
    st.lists(st.sampled_from([b"emma", b"ava\r", b"\xef\xbb\xbf", b"zo\xc3\xab", b" ", b"\0"]),
             max_size=60).map(b"\n".join),
)  # fmt: skip


@examples(150)
@given(content=BYTES, packed=st.sampled_from(["no", "yes", "cut", "claimed"]))
def test_any_bytes_as_a_corpus(folder, content, packed):
    name = folder / ("corpus.txt" if packed == "no" else "corpus.txt.gz")
    if packed in ("yes", "cut"):
        content = gzip.compress(content)
    name.write_bytes(content[: len(content) // 2] if packed == "cut" else content)
    run("fit", "--config", "config.yaml", "--data.path", name)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 40),
    st.floats(),
    st.floats(-2, 2),
    st.text(max_size=8),
    st.sampled_from(
        ["auto", "cpu", "words", "counts", "null", "1e400", "[1,2]", "{}", "../x", "~"]
    ),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=4), SCALARS, max_size=2),
)
# Those that a huge number makes slow instead of wrong, or that would leave this folder, are not
# drawn: max_steps, max_epochs, max_time, default_root_dir.
KEYS = [
    "seed_everything", "run_name", "ckpt_path",
    "model.class_path", "model.init_args.hidden_dim", "model.init_args.embedding_dim",
    "model.init_args.init", "model.init_args.x",
    "data.class_path", "data.init_args.path", "data.init_args.url", "data.init_args.sha256",
    "data.init_args.max_words", "data.init_args.block_size", "data.init_args.batch_size",
    "data.init_args.view", "data.init_args.split", "data.init_args.split_seed",
    "data.init_args.unique", "data.init_args.eval_batch_size", "data.init_args.vocabulary",
    "optimizer.class_path", "optimizer.init_args.lr", "optimizer.init_args.betas",
    "optimizer.init_args.eps", "optimizer.init_args.weight_decay",
    "trainer.accelerator", "trainer.accumulate_grad_batches", "trainer.precision",
    "trainer.gradient_clip_val", "trainer.gradient_clip_algorithm", "trainer.limit_train_batches",
    "trainer.limit_val_batches", "trainer.val_check_interval", "trainer.check_val_every_n_epoch",
    "trainer.log_every_n_steps", "trainer.overfit_batches", "trainer.num_sanity_val_steps",
    "trainer.callbacks", "trainer.logger", "trainer.profiler", "trainer.detect_anomaly",
    "trainer.benchmark", "trainer.deterministic", "trainer.inference_mode", "trainer.strategy",
    "trainer.reload_dataloaders_every_n_epochs", "trainer.use_distributed_sampler",
]  # fmt: skip


@examples(300)
@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=2))
def test_any_values_in_a_config(folder, changes):
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    for key, value in changes.items():
        *parents, name = key.split(".")
        node = config
        for parent in parents:
            node = node[parent]
        node[name] = value
    text = yaml.safe_dump(config, allow_unicode=True)
    Path("any.yaml").write_text(text, encoding="utf-8", errors="replace")
    run("fit", "--config", "any.yaml")


@examples(150)
@given(content=st.one_of(
    st.binary(max_size=80), st.text(max_size=80).map(str.encode),
    st.text("{}[]:-&*!|>'\"%#\n ,ab1", max_size=60).map(str.encode),
))  # fmt: skip
def test_any_bytes_as_a_config(folder, content):
    Path("bytes.yaml").write_bytes(content)
    run("fit", "--config", "config.yaml", "--config", "bytes.yaml")


@examples(150)
@given(
    at=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=5),
    length=st.floats(0, 1),
    command=st.sampled_from(["sample", "validate", "fit"]),
)
def test_any_damage_to_a_checkpoint(folder, at, length, command):
    content = bytearray((folder / "a.ckpt").read_bytes())
    for place, bits in at:
        content[int(place * len(content))] ^= bits
    Path("damaged.ckpt").write_bytes(
        content[: int(length * len(content)) if length < 0.5 else None]
    )
    run(command, "--ckpt_path", "damaged.ckpt")


@examples(150)
@given(
    key=st.sampled_from(["class_path", "state_dict", "hyper_parameters", "config",
                         "datamodule_hyper_parameters"]),
    value=VALUES,
    command=st.sampled_from(["sample", "validate", "fit"]),
)  # fmt: skip
def test_any_values_in_a_checkpoint(folder, key, value, command):
    checkpoint = torch.load(folder / "a.ckpt", weights_only=True)
    torch.save({**checkpoint, key: value}, "changed.ckpt")
    run(command, "--ckpt_path", "changed.ckpt")


@examples(150)
@given(
    flags=st.dictionaries(
        st.sampled_from(["num_samples", "temperature", "top_k", "prompt", "seed", "max_length"]),
        st.one_of(st.integers(-9, 200), st.floats(), st.text(max_size=5)).map(str),
        max_size=3,
    )
)
def test_any_flags_to_sample(folder, flags):
    run("sample", "--ckpt_path", "a.ckpt", *[f"--{name}={value}" for name, value in flags.items()])
