"""What `--help` shows: all that one needs on the first screen, in whole words."""

import pytest

import litmore
from litmore.cli.help import plain_text

COMMANDS = ("fit", "validate", "test", "predict", "sample", "plot")
FIRST_SCREEN = 40
"""Lines."""


@pytest.fixture
def helped(command_line, capsys, monkeypatch):
    """The page of a command line that asks for help; it is 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args):
        try:
            code, out, err = command_line(*args)
        except SystemExit as stop:
            code, (out, err) = stop.code, capsys.readouterr()
        assert (code, err) == (0, "")
        return out

    return run


def test_the_program_lists_its_commands(helped):
    lines = helped("--help").splitlines()
    assert len(lines) < 24
    for command in COMMANDS:
        (line,) = [line for line in lines if line.split()[:1] == [command]]
        assert line.endswith("."), "a whole sentence"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_is_of_whole_words(helped, command):
    page = helped(command, "--help")
    assert page.startswith(f"usage: python main.py {command} ")
    for line in page.splitlines():
        # What is longer is one word.
        assert len(line) <= 80 or len(line.split()) == 1, line
    assert "<class" not in page
    assert ":paramref:" not in page


def test_the_first_screen_of_fit_is_what_one_sets_first(helped):
    page = helped("fit", "--help")
    first = page.splitlines()[:FIRST_SCREEN]
    for flag in ("-c, --config", "--run_name", "--init_from", "--monitor", "--ckpt_path", "--model",
                 "--num_threads", "--data", "--optimizer", "--lr_scheduler"):  # fmt: skip
        assert [line for line in first if line.startswith(f"  {flag} ")], flag
    text = " ".join(" ".join(first).split())
    assert "Go on, exactly, from a file, `last`, `best` or `auto`" in text
    assert "MuonAdamW" in text
    for how in ("--model.help", "--optimizer.help MuonAdamW", "--data.help"):
        assert how in text
    assert not [line for line in first if line.startswith("  --trainer.")]
    assert "  --trainer.max_steps " in page
    assert "Stop training after this number of steps." in page


def test_what_judges_takes_a_checkpoint_to_judge(helped):
    assert "The checkpoint to judge: a file, `last` or `best`" in helped("test", "--help")


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--optimizer.help"], ["  MuonAdamW ", "  AdamW "]),
        (["--optimizer.help", "MuonAdamW"], ["--optimizer.momentum", "default: 0.95"]),
        (["--optimizer", "SGD", "--optimizer.help"], ["--optimizer.nesterov"]),
        (["--model.help"], ["  MLP ", "  Transformer "]),
        (["--model.help", "MLP"], ["--model.hidden_dim", "(int, default: 200)"]),
        (["--model.help", "MLP", "--config", "whatever.yaml"], ["--model.hidden_dim"]),
        (["--model.help=litmore.models.MLP"], ["--model.hidden_dim"]),
        (["--data.help"], ["--data.batch_size", "--data.view"]),
        (["--lr_scheduler.help"], ["  OneCycleLR ", "  ReduceLROnPlateau "]),
        (["--lr_scheduler.help", "OneCycleLR"], ["--lr_scheduler.max_lr", "required"]),
        (["--trainer.callbacks.help"], ["  HeatMap ", "  EarlyStopping "]),
        (["--trainer.callbacks.help", "EarlyStopping"], ["--trainer.callbacks.patience"]),
        (["--trainer.logger.help"], ["  CSVLogger "]),
    ],
    ids=lambda given: " ".join(given) if given[0].startswith("--") else "",
)
def test_a_class_is_told_of(helped, args, named):
    page = helped("fit", *args)
    assert [name for name in named if name not in page] == []
    assert "litmore.runs" not in page, "nothing that no config names"


def test_only_what_can_be_used_is_listed(helped):
    page = helped("fit", "--lr_scheduler.help")
    assert "Custom ReduceLROnPlateau" in page, "Lightning's, which knows its metric"
    assert "SequentialLR" not in page


def test_a_class_that_there_is_not_has_no_help(command_line):
    code, out, err = command_line("fit", "--model.help", "MPL")
    assert (code, out) == (2, "")
    assert err == "error: --model.help: no class of that name; is MLP meant?\n"


@pytest.mark.parametrize(
    ("rest", "plain"),
    [
        ("as :class:`datetime.timedelta`, or", "as timedelta, or"),
        ("in :paramref:`~lightning.Trainer.callbacks`.", "in callbacks."),
        ("see `the notes <https://x.invalid/a>`_ there", "see the notes there"),
        ("so many\n  of them.\n  Default: ``None``.", "so many of them."),
        ("a ``True`` value", "a True value"),
    ],
)
def test_marks_of_rest_are_left_out(rest, plain):
    assert plain_text(rest) == plain


def test_the_version_is_told(command_line):
    assert command_line("--version") == (0, f"litmore {litmore.__version__}\n", "")
