"""What a setting of litmore's own is read as."""

from typing import Optional, Union

from lightning.pytorch.cli import LightningArgumentParser

from litmore.cli.flags import CountedBatches


def test_a_limit_is_counted_in_any_process():
    """Of equal unions `typing` gives out the one made first, in whatever order it was."""
    Optional[Union[float, int, None]]  # noqa: UP007, UP045
    parser = LightningArgumentParser()
    parser.add_lightning_class_args(CountedBatches, "trainer", required=False)
    for given, read in (("1", 1), ("3", 3), ("1.0", 1.0), ("0.5", 0.5), ("null", None)):
        value = parser.parse_args([f"--trainer.limit_test_batches={given}"]).trainer
        assert (value.limit_test_batches, type(value.limit_test_batches)) == (read, type(read))
