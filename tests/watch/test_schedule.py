"""When something that happens every so many steps is due."""

from types import SimpleNamespace

import pytest

from litmore.watch.schedule import Schedule


def at(step, last=-1, automatic=True):
    """A Trainer after so many steps, of a training that ends with `last`."""
    return SimpleNamespace(
        global_step=step,
        lightning_module=SimpleNamespace(automatic_optimization=automatic),
        max_steps=last,
        max_epochs=None,
        num_training_batches=100,
        accumulate_grad_batches=1,
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(total_batch_idx=step - 1)),
    )


@pytest.mark.parametrize(
    ("every", "start", "last", "with_last", "due"),
    [
        (3, 0, -1, False, [3, 6, 9, 12]),
        (3, 4, -1, False, [6, 9, 12]),
        (3, 0, 8, True, [3, 6, 8]),
        (3, 0, 9, False, [3, 6]),
        (0, 0, 9, True, []),
        (100, 0, 7, True, [7]),
    ],
)
def test_the_moments(every, start, last, with_last, due):
    for accumulate, per_batch, automatic in ((1, 1, True), (4, 1, True), (1, 2, False)):
        schedule = Schedule()
        schedule.start(at(start, last, automatic), every, with_last)
        asked = [step for step in range(start + 1, 13) for _ in range(accumulate)]
        asked = asked[per_batch - 1 :: per_batch]
        found = [step for step in asked if schedule.is_due(at(step, last, automatic))]
        if per_batch == 1:
            assert found == due
        else:  # asked at every other step, it answers at the first one that is not before a moment
            assert found == sorted({min(s for s in asked if s >= moment) for moment in due})


def test_asked_before_a_step_it_answers_for_that_step():
    schedule = Schedule()
    schedule.start(at(0), 3)
    assert [s for s in range(12) if schedule.is_due(at(s), coming=1)] == [2, 5, 8, 11]


def test_between_two_moments_it_does_not_look_at_the_trainer():
    schedule = Schedule()
    assert not schedule.is_due(None)  # not begun: never
    schedule.start(at(0), 1000)
    assert not any(schedule.is_due(object()) for _ in range(999))
    assert schedule.is_due(at(1000))
