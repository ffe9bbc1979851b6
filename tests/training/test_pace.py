"""Stages that end after so many minutes."""

import pytest

from nuke_matting.training.pace import EVERY, Pace


def planned(pace, seconds, earlier=0, steps=1000):
    """How many steps a run plans after each of its steps, and makes in the end; seconds(step) : that a step takes."""
    plan, done, spent, plans = earlier + pace.at_first(earlier, steps), 0, 0.0, []
    while earlier + done < plan:
        spent += seconds(done)
        done += 1
        more = pace.more(done, spent) if pace.asks(done) else None
        plan = plan if more is None else earlier + done + more
        plans.append(plan)
    return plans


@pytest.mark.parametrize("steps", [1, 1000])
def test_there_are_as_many_steps_as_there_is_time_for_whatever_the_recipe_says(steps):
    plans = planned(Pace(1), lambda _: 4.0, steps=steps)
    assert len(plans) == plans[-1] == plans[EVERY - 1] == 15


def test_what_a_start_takes_is_no_pace():
    plans = planned(Pace(1), lambda step: 1.0 if step else 20.0)
    assert plans[EVERY - 1] == len(plans) == 41, "21 steps and the start would be planned else"


def test_a_run_that_goes_on_has_what_is_left():
    assert planned(Pace(2, spent=60.0), lambda _: 4.0, earlier=15)[-1] == 30


@pytest.mark.parametrize("took", [4.0, 3.9])
def test_a_finished_run_takes_no_more_steps_even_where_the_last_one_fitted_with_time_to_spare(took):
    assert planned(Pace(1, spent=15 * took), lambda _: took, earlier=15) == []
