"""Recipes: what the shipped one says, and how wrong ones are reported: the file, the key, what may have been meant."""

import copy
from dataclasses import asdict

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.errors import UsageError
from nuke_matting.resources import shipped
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Recipe, Stage

TEXT = shipped("training/recipes/two_stage.yaml").read_text(encoding="utf-8")  # of most of the tests


@pytest.fixture
def write(tmp_path):
    """Writes a recipe: a text, or a shipped one with the values of some keys changed; gives its path as text."""

    def make(text=None, of="two_stage", **changes):
        if text is None:
            found = yaml.safe_load(shipped(f"training/recipes/{of}.yaml").read_text(encoding="utf-8"))
            for key, value in changes.items():
                *way, last = key.split("__")
                place = found
                for name in way:
                    place = place[name]
                if value is None:
                    del place[last]
                else:
                    place[last] = value
            text = yaml.safe_dump(found, sort_keys=False)
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return make


def test_the_shipped_recipe_trains_stills_then_clips_then_the_regions_alone():
    recipe = load_recipe("two_stage")
    assert recipe.model == "two_stage" and list(recipe.stages) == ["small", "stills", "large", "clips", "regions"]
    assert [stage.frames > 2 for stage in recipe.stages.values()] == [False, False, False, True, False]
    assert [stage.enlarge > 1 for stage in recipe.stages.values()] == [False, False, False, False, True]
    assert [stage.learns for stage in recipe.stages.values()] == ["all", "all", "all", "memory", "refinement"]
    assert max(max(size) for size in recipe.stages["regions"].sizes) > 0.85 * recipe.coarse_long_side
    assert max(max(size) for size in recipe.stages["large"].sizes) > 0.9 * recipe.coarse_long_side


def test_a_file_is_read_as_it_says(write):
    path = write(stages={"only": {**STAGE, "sizes": [[32, 48]], "rate": 0.5}}, losses__temporal=7)
    recipe = load_recipe(path)
    assert isinstance(recipe, Recipe) and recipe.losses.temporal == 7.0
    assert recipe.stages == {"only": Stage(5, 2, 1, ((32, 48),), 1.0, 0.5, True, "all", 1)}


STAGE = {
    "steps": 5,
    "batch": 2,
    "frames": 1,
    "sizes": [[32, 32]],
    "enlarge": 1,
    "rate": 0.1,
    "norms": True,
    "learns": "all",
    "echo": 1,
}


def test_a_rate_may_be_written_with_an_exponent_alone(write):
    """YAML 1.1 takes 5e-3 for a text."""
    assert load_recipe(write(TEXT.replace("5.0e-3", "5e-3"))).stages["small"].rate == 5e-3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"stages__small__step": 5}, "stages.small.step: unknown key; did you mean steps"),
        ({"optimizer": {}}, "optimizer: unknown key; did you mean optimiser"),
        ({"losses__lapacian": 1}, "losses.lapacian: unknown key; did you mean laplacian"),
        ({"losses__error": None}, "losses.error: is missing"),
        ({"stages__clips__rate": None}, "stages.clips.rate: is missing"),
        ({"model": "two_stages"}, "model: 'two_stages' is not known; did you mean two_stage"),
        ({"regions": 2.5}, "regions: is 2.5; write a whole number"),
        ({"regions": True}, "regions: is True; write a whole number"),
        ({"regions": "many"}, "regions: is 'many'; write a whole number"),
        ({"optimiser__ema": 1.5}, "optimiser.ema: is 1.5; write a number from 0 to 1"),
        ({"optimiser__ema": float("nan")}, "optimiser.ema: is nan; write a number from 0 to 1"),
        ({"stages__small__steps": float("inf")}, "stages.small.steps: is inf; write a whole number"),
        ({"stages__small__steps": 0}, "stages.small.steps: is 0; write a number from 1"),
        ({"stages__small__norms": "yes"}, "stages.small.norms: is 'yes'; write true or false"),
        ({"stages__small__sizes": [[100, 128]]}, r"stages.small.sizes: \[100, 128\] is no size; .*multiples of 16"),
        ({"stages__small__sizes": [128]}, "stages.small.sizes: 128 is no size"),
        ({"stages__small__sizes": []}, "stages.small.sizes: is a list; write"),
        ({"stages__small": [1]}, "stages.small: is a list, not keys with values"),
        ({"stages": {}}, "stages: is keys with values; name at least one"),
        ({"stages": {1: STAGE}}, "stages.1: is 1; a stage's name is a word"),
    ],
)
def test_what_is_wrong_is_told_with_its_key_in_one_line(write, changes, told):
    with pytest.raises(UsageError, match=rf"mine\.yaml: {told}") as error:
        load_recipe(write(**changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("of", "changes", "told"),
    [
        ("background", {"base": "mobilenet"}, "base: 'mobilenet' is not known; did you mean mobilenetv2"),
        ("background", {"base": 50}, "base: 50 is not known; use mobilenetv2, resnet50, resnet101"),
        ("background", {"plateless": 1.5}, "plateless: is 1.5; write a number from 0 to 1"),
        ("background", {"losses__cover": 1}, "losses.cover: unknown key; use alpha, gradient"),
        ("background", {"coarse_long_side": 256}, "coarse_long_side: unknown key"),
        (
            "memory",
            {"references": "previous_one"},
            "references: 'previous_one' is not known; did you mean previous_two",
        ),
        ("memory", {"references": None}, "references: is missing; add it"),
        ("memory", {"losses__direct": None}, "losses.direct: is missing; add it"),
        ("memory", {"model": "regional"}, "references: unknown key"),
        ("regional", {"shrink": 3}, "shrink: 3 is not known; use 1, 2, 4"),
        ("regional", {"shrink": True}, "shrink: True is not known"),
        ("regional", {"shrink": []}, "shrink: a list is not known"),
        ("regional", {"losses__trimaps": 1}, "losses.trimaps: unknown key; did you mean trimap"),
        ("two_stage", {"model": "background"}, "coarse_long_side: unknown key"),
        ("two_stage", {"model": ["memory"]}, "model: a list is not known; name one of background, memory"),
        ("two_stage", {"model": None}, "model: is missing; name one of background, memory, regional, two_stage"),
    ],
)
def test_each_model_has_keys_of_its_own(write, of, changes, told):
    with pytest.raises(UsageError, match=rf"mine\.yaml: ({told})") as error:
        load_recipe(write(of=of, **changes))
    assert "\n" not in str(error.value)


def test_the_other_shipped_recipes_train_in_the_order_of_their_papers():
    """The refinement, or the guided filter, comes last; the memory needs clips of three frames and more."""
    background, memory, regional = (load_recipe(name) for name in ("background", "memory", "regional"))
    for recipe in (background, memory):
        assert [stage.enlarge > 1 for stage in recipe.stages.values()] == [False, False, True]
    assert [stage.frames > 2 for stage in memory.stages.values()] == [False, True, True]
    assert all(stage.frames == stage.enlarge == 1 for stage in regional.stages.values())
    assert background.base == "mobilenetv2" and memory.references == "first_and_previous" and regional.shrink == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the recipe is empty, not keys"),
        ("- 1", "the recipe is a list"),
        ("model: [two", "line 1, column"),
        ("model: two_stage\nmodel: two_stage\n", "line 2, column 1: model is there twice"),
        ("model: \x00", "is no YAML text"),
        ("!!python/object/apply:os.system ['true']", "line 1"),
        ("[" * 5000, "mine.yaml"),
    ],
)
def test_a_text_that_is_no_recipe_is_told_in_one_line(write, text, told):
    with pytest.raises(UsageError, match=rf"mine\.yaml: .*{told}|{told}.*" if told == "mine.yaml" else told) as error:
        load_recipe(write(text))
    assert "mine.yaml" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [("twostage", "did you mean two_stage"), ("no/such.yaml", "one of .*two_stage"), (".", "cannot be read")],
)
def test_a_recipe_that_is_not_there_is_told(name, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=told):
        load_recipe(name)


@given(st.data())
def test_whatever_is_in_a_place_is_read_or_refused(tmp_path_factory, data):
    """Never another error, and never a value of another kind."""
    found = copy.deepcopy(yaml.safe_load(TEXT))
    place = data.draw(st.sampled_from([found, found["optimiser"], found["stages"], found["stages"]["small"]]))
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    value = data.draw(leaf | st.lists(leaf, max_size=2) | st.dictionaries(st.text(max_size=3), leaf, max_size=2))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    path = tmp_path_factory.mktemp("recipe") / "mine.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    try:
        recipe = load_recipe(str(path))
    except UsageError:
        return
    kinds = {name: type(value) for name, value in asdict(recipe.optimiser).items()}
    assert kinds.pop("method") is str and set(kinds.values()) == {float}
    assert all(type(stage.steps) is int and type(stage.norms) is bool for stage in recipe.stages.values())
