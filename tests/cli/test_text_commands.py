"""Running text through every command."""

import re
from pathlib import Path

import pytest
import torch

from litmore import models
from litmore.cli import main
from litmore.data import TextDataModule
from litmore.models import GRU
from litmore.runs.checkpoint import load_model
from litmore.sampling import sample
from own_model import MODEL

TEXT = "".join(
    f"Who {verb}s there?\r\n\tNay, answer me: {verb}.\n\n" for verb in ["ab", "cd", "ef"]
)
TEXT *= 40
OF_STATE = "--model=litmore.models.GRU"
"""Other tests have a model of that name."""

QUICK = ["--trainer.max_steps=6", "--trainer.accelerator=cpu", "--trainer.log_every_n_steps=1"]
UNSEEN = "--trainer.logger=false"
"""For who looks at no picture."""
STREAM = ["--data=TextDataModule", "--data.path=text.txt", "--data.block_size=8"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with `text.txt`, and a GRU's run on it."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        Path("text.txt").write_bytes(TEXT.encode())
        assert main(["fit", OF_STATE, *STREAM, *QUICK, UNSEEN]) == 0
    return folder


@pytest.fixture
def run(command_line):
    """Run a command line beside `text.txt`; stdout and stderr of one that succeeds."""
    Path("text.txt").write_bytes(TEXT.encode())

    def run(*args, code=0):
        found, out, err = command_line(*args)
        assert found == code, err
        return out, err

    return run


@pytest.fixture
def run_trained(run, trained, monkeypatch):
    """The same, beside that run."""
    monkeypatch.chdir(trained)
    return run


@pytest.mark.parametrize("kind", ["GRU", "NGram"])
def test_a_run_is_told_judged_and_written_from(run, kind):
    flags = {
        "GRU": QUICK,
        "NGram": ["--data.view=windows", "--trainer.max_epochs=1", "--data.batch_size=999"],
    }
    out, err = run("fit", f"--model=litmore.models.{kind}", *STREAM, *flags[kind], QUICK[1])
    size = len(TEXT)
    train, val = int(0.9 * size), int(0.95 * size) - int(0.9 * size)
    assert f"text.txt: {train:,} / {val} / {size - train - val} characters" in err
    assert "no more of it" not in err  # a picture that failed
    loss = float(re.search(r"val/loss +(\S+)", out)[1])
    out, _ = run("validate", "--ckpt_path", "last")
    assert float(re.search(r"val/loss +(\S+)", out)[1]) == pytest.approx(loss, abs=2e-4)
    assert "test/bits_per_byte" in run("test", "--ckpt_path", "last")[0]
    prompt = "ef.\n\nWho"
    out, err = run("sample", "--ckpt_path", "last", "--prompt", prompt, "--max_length", 90)
    assert out.startswith(prompt)
    assert len(out) == 91
    assert "new" not in err


CONTEXTS = {"MLP": 4, "WaveNet": 4, "NeuralBigram": 1, "CountBigram": 1, "NGram": 4}
MODELS = ["GRU", "LSTM", "RNN", "BagOfWords", "Transformer", *CONTEXTS]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.filterwarnings("ignore:.*bottleneck:UserWarning")
def test_every_model_learns_text_and_writes_it(kind, trained, trainer):
    view = "windows" if kind in CONTEXTS else "stream"
    size = CONTEXTS.get(kind, 8)
    data = TextDataModule(str(trained / "text.txt"), block_size=size, view=view, batch_size=64)
    sized = (
        {}
        if kind in ("GRU", "LSTM", "RNN", "NeuralBigram", "CountBigram")
        else {"block_size": size}
    )
    torch.manual_seed(0)
    model = getattr(models, kind)(data.vocabulary, **sized)
    fitting = trainer(max_steps=-1 if kind in ("NGram", "CountBigram") else 60, max_epochs=1)
    before = trainer().validate(model, data, verbose=False)[0] if kind == "GRU" else None
    fitting.fit(model, data)
    found = trainer().validate(model, data, verbose=False)[0]
    assert found["val/loss"] < (2.6 if size == 1 else 2.2)
    assert before is None or found["val/loss"] < before["val/loss"] - 0.5
    generator = torch.Generator().manual_seed(0)
    texts = list(sample(model.eval(), 3, generator=generator, prompt="\nNay", max_length=40))
    assert [len(text) for text in texts] == [40] * 3
    assert any("\n" in text[1:] for text in texts)


def test_several_texts_are_parted_and_the_same_again(run_trained):
    flags = ["--ckpt_path", "last", "--max_length", 30]
    out, _ = run_trained("sample", *flags, "--num_samples", 3)
    texts = out.split("-" * 40 + "\n")
    assert [len(text) for text in texts] == [31] * 3
    assert out == run_trained("sample", *flags, "--num_samples", 3)[0]
    assert run_trained("sample", "--ckpt_path", "last", "--num_samples", 0)[0] == ""
    assert len(run_trained("sample", "--ckpt_path", "last")[0]) == 501


def test_a_prompt_holds_what_the_text_holds(run_trained):
    _, err = run_trained("sample", "--ckpt_path", "last", "--prompt", "Who ü", code=2)
    assert err.splitlines()[-1].startswith("error: --prompt 'Who ü': 'ü' ")
    out, _ = run_trained("sample", "--ckpt_path", "last", "--prompt", "\r\n\t", "--max_length", 4)
    assert out.startswith("\r\n\t")


def test_bytes_of_any_file(run):
    raw = "žluťoučký kůň\n".encode() * 60 + bytes(range(256)) * 2
    Path("text.txt").write_bytes(raw)
    out, err = run("fit", OF_STATE, *STREAM, "--data.tokens=bytes", *QUICK)
    assert f" / {int(0.95 * len(raw)) - int(0.9 * len(raw))} / " in err
    assert "bytes (train / val / test)\n" in err
    assert "no more of it" not in err
    bits = {name: re.search(rf"val/bits_per_{name} +(\S+)", out)[1] for name in ("char", "byte")}
    assert bits["char"] == bits["byte"]
    out, _ = run("sample", "--ckpt_path", "last", "--prompt", "kůň 𝄞", "--max_length", 40)
    assert out.startswith("kůň 𝄞")
    assert run("validate", "--ckpt_path", "last")[0]


def test_bits_per_byte_are_of_what_is_written(run, trainer):
    Path("text.txt").write_text("é\n" * 600)
    out, _ = run("fit", "--model=litmore.models.CountBigram", *STREAM, "--data.view=counts",
                 "--data.block_size=1", "--trainer.max_epochs=1", UNSEEN)  # fmt: skip
    found = {name: float(re.search(rf"val/{name} +(\S+)", out)[1])
             for name in ("loss", "bits_per_char", "bits_per_byte")}  # fmt: skip
    assert found["bits_per_byte"] == pytest.approx(found["bits_per_char"] / 1.5, abs=2e-4)


def test_goes_on_to_the_bit_in_the_middle_of_an_epoch(run):
    more = [
        OF_STATE,
        *STREAM,
        "--data.batch_size=3",
        UNSEEN,
        "--trainer.accelerator=cpu",
    ]
    run("fit", *more, "--trainer.max_steps=9", "--run_name=whole")
    run("fit", *more, "--trainer.max_steps=4")
    run("fit", "--ckpt_path", "last", "--run_name=gru", "--trainer.max_steps=9")
    whole, parts = (load_model(Path(f"logs/{name}/version_0/checkpoints/last.ckpt")).state_dict()
                    for name in ("whole", "gru"))  # fmt: skip
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_another_text_is_judged_by_the_models_own_characters(run_trained):
    Path("other.txt").write_text("Who is there?\n" * 40)
    _, err = run_trained("validate", "--ckpt_path", "last", "--data.path=other.txt", code=2)
    assert "other.txt:1: 'i' (U+0069) is not among the" in err.splitlines()[-1]
    Path("other.txt").write_text("Who abs there?\n" * 40)
    assert "val/loss" in run_trained("validate", "--ckpt_path", "last", "--data.path=other.txt")[0]


REFUSED = [
    (["--model=litmore.models.MLP"], "error: --data.view stream: MLP takes windows or counts"),
    (
        [OF_STATE, "--data.view=windows"],
        "error: --data.view windows: GRU takes words",
    ),
    (
        [OF_STATE, "--data.block_size=0"],
        "error: --data.block_size 0: must be at least 1",
    ),
    (
        [OF_STATE, "--data.block_size=9000"],
        "error: --data.block_size 9000: the train split",
    ),
    (["--model=ScalarMLP", "--data.view=windows"], "error: --"),
    (
        [OF_STATE, "--data.path=none.txt"],
        "/none.txt: no such file; give a text file",
    ),
    ([OF_STATE, "--data.path=."], ": a folder; give a text file"),
    (["--model=Transformer", "--model.block_size=9"], "error: --model.block_size 9: the data's"),
]


@pytest.mark.parametrize(("more", "said"), REFUSED)
def test_refuses_in_one_line_and_leaves_nothing(run, more, said):
    out, err = run("fit", *STREAM, *more, *QUICK, code=2)
    assert out == ""
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not Path("logs").exists()


def test_predict_is_refused_in_one_line(run_trained):
    _, err = run_trained("predict", "--ckpt_path", "last", code=2)
    assert err.splitlines()[-1] == (
        "error: --data TextDataModule: predict scores words one by one; test gives a text's loss"
    )


def test_print_splits(run):
    out, _ = run("fit", OF_STATE, *STREAM, "--print_splits")
    assert out.splitlines()[0].split() == ["split", "characters", "begins"]
    assert out.splitlines()[1].endswith(repr(TEXT[:40]))


def test_a_model_of_ones_own_that_takes_words_takes_text(run, monkeypatch, here):
    monkeypatch.syspath_prepend(here)
    Path("own_text_model.py").write_text(MODEL)
    run("fit", "--model=own_text_model.GRU", *STREAM, *QUICK, UNSEEN)
    assert len(run("sample", "--ckpt_path", "last", "--max_length", 20)[0]) == 21
    assert "test/loss" in run("test", "--ckpt_path", "last")[0]


def test_the_names_can_be_read_as_text(run):
    _, err = run("fit", OF_STATE, "--data=TextDataModule", *QUICK, UNSEEN)
    assert "names.txt: " in err
    assert "characters (train / val / test), 27 different ones" in err


def test_a_config_of_names_gives_way_to_text(run):
    Path("words.yaml").write_text(
        "model: {class_path: litmore.models.GRU}\n"
        "data: {class_path: NamesDataModule, init_args: {view: words, batch_size: 5}}\n"
    )
    run("fit", "--config=words.yaml", *STREAM, *QUICK, UNSEEN)
    assert GRU is type(load_model(Path("logs/words/version_0/checkpoints/last.ckpt")))


def test_mixed_with_counts(run):
    split = ["--data.split=[0.8,0.1,0.1]"]
    run("fit", OF_STATE, *STREAM, *QUICK, *split, UNSEEN)
    counting = ["--data.view=windows", "--trainer.max_epochs=1", UNSEEN]
    run("fit", "--model=NGram", *STREAM, *split, *counting, "--trainer.accelerator=cpu")
    members = "[logs/gru/version_0,logs/ngram/version_0]"
    more = [*STREAM, *split, "--trainer.max_epochs=1", "--trainer.limit_train_batches=1", UNSEEN]
    mixing = ["fit", "--model=litmore.mixture.Mixture", f"--model.members={members}", *more]
    _, err = run(*mixing, code=2)
    assert err.splitlines()[-1] == (
        "error: --data.eval_overlap 4: NGram looks at 8 tokens; pass at least 7"
    )
    more += ["--data.eval_overlap=7"]
    out, err = run("fit", "--model=litmore.mixture.Mixture", f"--model.members={members}", *more,
                   "--trainer.accelerator=cpu")  # fmt: skip
    weights = [float(share) for share in re.findall(r"(\d\.\d+) (?:GRU|NGram)", err)]
    assert sum(weights) == pytest.approx(1, abs=2e-3)
    losses = {}
    for name in ("gru", "ngram", "mixture"):
        out, _ = run("validate", "--ckpt_path", f"logs/{name}/version_0/checkpoints/last.ckpt")
        losses[name] = float(re.search(r"val/loss +(\S+)", out)[1])
    assert losses["mixture"] <= min(losses["gru"], losses["ngram"]) + 1e-3
    assert len(run("sample", "--ckpt_path=last", "--run_name=mixture", "--max_length=50")[0]) == 51


def test_exported_and_loaded_again(run_trained, monkeypatch, capsys):
    import litmore

    run_trained(
        "export", "--ckpt_path", "last", "--output", "out", "--format", "safetensors", "torch"
    )
    model = litmore.load("out")
    assert model.vocabulary.is_text
    card = Path("out/README.md").read_text()
    assert f"of {len(set(TEXT))} |" in card
    monkeypatch.chdir("out")
    capsys.readouterr()
    for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
        exec(code, {})
    assert len(capsys.readouterr().out) > 2 * 490
