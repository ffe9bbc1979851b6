"""Two trained networks in one weight file: what it holds and says, and what is refused."""

from pathlib import Path

import pytest
import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.two_stage_file import networks
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.regional import RegionalNetwork
from nuke_matting.nets.two_stage import TwoStage
from nuke_matting.training.join import join


def same(one, other):
    return all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def test_both_networks_are_kept_to_the_bit(weights, aided_weights, joined_weights):
    plain, aided, again = networks(load_weights(Path(joined_weights)))
    assert same(plain, networks(load_weights(Path(weights))).plain) and again is None
    assert same(aided, networks(load_weights(Path(aided_weights))).plain)


def test_the_second_network_of_a_joined_file_can_be_replaced(tmp_path, weights, aided_weights, joined_weights):
    join(Path(joined_weights), Path(weights), tmp_path / "new.safetensors")
    first, second, _ = networks(load_weights(tmp_path / "new.safetensors"))
    assert same(first, second)
    join(Path(weights), Path(joined_weights), tmp_path / "again.safetensors")
    assert same(
        networks(load_weights(tmp_path / "again.safetensors"))[1], networks(load_weights(Path(aided_weights)))[0]
    )


def test_it_says_where_both_come_from_and_at_what_sizes_they_work(tmp_path, joined_weights):
    paths = [tmp_path / f"{name}.safetensors" for name in ("plain", "aided", "both")]
    for path, size in zip(paths, ("64", "96"), strict=False):
        about = {"name": "n", "coarse_long_side": size, "training": f"{path.stem} steps", "licence": "CC0"}
        save_weights(path, TwoStage(), {"architecture": "two_stage", **about})
    join(*paths)
    said = load_weights(paths[-1]).metadata
    assert said["training"] == "plain steps. With a clean plate or a guide: aided steps" and said["licence"] == "CC0"
    assert (said["coarse_long_side"], said["aided_long_side"]) == ("64", "96")


def test_licences_that_were_stated_on_the_way_stay_when_one_is_named_for_all(tmp_path):
    paths = [tmp_path / f"{name}.safetensors" for name in ("plain", "aided", "both")]
    stated = {"licence": "MIT"}, {"licence": "CC0", "licences_before": "research only"}
    for path, about in zip(paths, stated, strict=False):
        save_weights(path, TwoStage(), {"architecture": "two_stage", "name": "n", **about})
    join(*paths, licence="MIT")
    said = load_weights(paths[-1]).metadata
    assert said["licence"] == "MIT" and said["licences_before"] == "CC0 | research only"


def test_a_third_network_stays_when_the_first_is_replaced(tmp_path, weights, aided_weights, looking_weights):
    join(Path(aided_weights), Path(looking_weights), tmp_path / "new.safetensors")
    kept, found = (networks(load_weights(Path(each))) for each in (looking_weights, tmp_path / "new.safetensors"))
    assert same(found.plain, networks(load_weights(Path(aided_weights))).plain)
    assert same(found.aided, kept.aided) and same(found.again, kept.again)


def test_a_third_network_is_joined_with_what_it_was_trained_on(tmp_path, joined_weights, aided_weights):
    third, out = tmp_path / "third.safetensors", tmp_path / "out.safetensors"
    save_weights(third, TwoStage(), {**load_weights(Path(aided_weights)).metadata, "training": "third steps"})
    join(Path(joined_weights), Path(joined_weights), out, again=third)
    assert load_weights(out).metadata["training"].endswith("Looking again: third steps")
    assert same(networks(load_weights(out)).again, networks(load_weights(third)).plain)


def test_regions_are_those_of_another_file_and_the_rest_is_not(tmp_path, weights, joined_weights, looking_weights):
    out = tmp_path / "out.safetensors"
    join(Path(weights), Path(joined_weights), out, again=Path(looking_weights), regions=Path(looking_weights))
    made, lender, own = (networks(load_weights(Path(each))) for each in (out, looking_weights, joined_weights))
    assert all(same(net.refiner, giver.refiner) for net, giver in zip(made, lender, strict=True))
    assert same(made.aided.vit, own.aided.vit) and same(made.again.vit, lender.again.vit)
    assert load_weights(out).metadata["training"].endswith(load_weights(Path(looking_weights)).digest[:12])


def test_a_file_without_a_third_network_lends_it_the_regions_of_its_first(tmp_path, weights, looking_weights):
    out = tmp_path / "out.safetensors"
    join(Path(looking_weights), Path(looking_weights), out, regions=Path(weights))
    made, lender = (networks(load_weights(Path(each))) for each in (out, weights))
    assert all(same(net.refiner, lender.plain.refiner) for net in made)


def test_a_third_network_of_another_size_is_refused(tmp_path, weights, joined_weights):
    with pytest.raises(UsageError, match=r"quick\.safetensors.*64 pixels.*96"):
        join(Path(joined_weights), Path(joined_weights), tmp_path / "out.safetensors", again=Path(weights))


def test_licences_that_differ_need_a_word(tmp_path, weights):
    other = tmp_path / "other.safetensors"
    save_weights(other, TwoStage(), {"architecture": "two_stage", "name": "other", "licence": "CC0"})
    with pytest.raises(UsageError, match=r"none stated and CC0.*--licence"):
        join(Path(weights), other, tmp_path / "out.safetensors")
    join(Path(weights), other, tmp_path / "out.safetensors", "MIT")
    assert load_weights(tmp_path / "out.safetensors").metadata["licence"] == "MIT"


def test_another_network_is_refused(tmp_path, weights):
    other = tmp_path / "other.safetensors"
    save_weights(other, RegionalNetwork(shrink=4), {"architecture": "regional", "name": "other"})
    with pytest.raises(ModelError, match=r"other\.safetensors.*regional"):
        join(Path(weights), other, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_the_command_joins_and_the_file_mattes(nuke_matting, weights, aided_weights, make_plate):
    ended = nuke_matting("train", "join", weights, aided_weights, "--out", "both.safetensors")
    assert ended.returncode == 0 and ended.stdout.strip() == "both.safetensors"
    plate = make_plate(frames=[1001])
    assert nuke_matting("matte", plate, "--model", "both.safetensors", "--clean-plate", plate).returncode == 0
    ended = nuke_matting("train", "join", weights, "missing.safetensors", "--out", "none.safetensors")
    assert ended.returncode != 0 and "missing.safetensors" in ended.stderr and "Traceback" not in ended.stderr
