"""Each rule of models, and one that breaks it."""

import pytest
from broken import (
    Clairvoyant,
    Counting,
    Flattened,
    Frozen,
    LastOnly,
    Line,
    Local,
    OfBatches,
    OfPadding,
    OfTheBatch,
    Points,
    Resetting,
    SavesNothing,
    Slow,
    Sound,
    TooShort,
    Undrawable,
    Unkept,
    Unseeded,
    Unused,
)

from litmore.testing import check_model

BROKEN = [
    (SavesNothing, {}, "made", "must call self.save_hyperparameters"),
    (Unseeded, {}, "made", "the same seed gives it other weights each time"),
    (LastOnly, {}, "logits", "a logit for each of 12 tokens is due"),
    (OfTheBatch, {}, "alone", "hangs on the others in the batch"),
    (Clairvoyant, {}, "causal", "hangs on token 2, which it is yet to predict"),
    (TooShort, {}, "logits", "forward takes a batch of words: IndexError"),
    (Resetting, {}, "state", "after 2 tokens it says something else than forward"),
    (Flattened, {}, "state", r"each tensor of a state begins with the batch, 3, not \[1\]"),
    (OfPadding, {}, "loss", "train/loss is .*, not the .* nats a character that its logits give"),
    (OfBatches, {}, "loss", "val/loss in batches of 1 is"),
    (Slow, {}, "learns", "does not learn emil, zoya, rut by heart: after 1500 steps its loss"),
    (Unused, {}, "trains", "no gradient reaches unused.bias, unused.weight; several processes"),
    (Unkept, {"scale": 2.0}, "checkpoint", "which of its arguments does save_hyperparameters"),
    (Undrawable, {}, "samples", "knows emil, zoya, rut by heart, and yet the likeliest name"),
    (Counting, {}, "resumes", "gone on with, it ends in other weights than if it had not"),
]


@pytest.mark.parametrize(
    ("model", "init_args", "rule", "says"), BROKEN, ids=[row[0].__name__ for row in BROKEN]
)
def test_a_model_that_breaks_a_rule_is_told_which(model, init_args, rule, says):
    with pytest.raises(AssertionError, match=says) as broken:
        check_model(model, **init_args)
    assert model.__name__ in str(broken.value)
    assert str(broken.value).endswith(f"(litmore's docs/testing.md#{rule})")
    assert "\n" not in str(broken.value)


def test_a_model_that_breaks_none_passes_and_leaves_no_trace(here, seed_everything, capsys):
    import torch

    seed_everything(3)
    before = torch.get_rng_state()
    check_model(Sound)
    assert torch.equal(torch.get_rng_state(), before)
    assert list(here.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_a_class_that_cannot_be_imported_by_its_name_is_told():
    class Hidden(Sound):
        pass

    with pytest.raises(AssertionError, match=r"Hidden is made again .* cannot be imported"):
        check_model(Hidden)


def test_any_other_lightning_module_is_trained_gone_on_with_and_exported():
    check_model(Line, Points, formats=("safetensors", "torch"))
    with pytest.raises(AssertionError, match="Line is no CharLM: give check_model data="):
        check_model(Line)
    with pytest.raises(AssertionError, match="Frozen: an epoch's training changes no weight"):
        check_model(Frozen, Points)


def test_what_cannot_be_exported_is_told():
    with pytest.raises(AssertionError, match=r"Sound is exported as .*--format nosuch: must be"):
        check_model(Sound, formats=("nosuch",))


@pytest.mark.torture
def test_two_processes_are_to_equal_one():
    check_model(Sound, processes=2)
    check_model(Line, Points, processes=2)
    with pytest.raises(AssertionError, match="Local: 2 processes come to something else than one"):
        check_model(Local, processes=2)
