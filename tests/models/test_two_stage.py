"""The default model behind the engine's contract: any size, stateless, clean plate and guide as wanted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nuke_matting.errors import ModelError
from nuke_matting.models import two_stage
from nuke_matting.models.carried import Carried
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.cost import parameters
from nuke_matting.models.registry import load_model
from nuke_matting.models.two_stage_file import AGAIN, AIDED, BEFORE, as_one, networks
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.enlarge import enlarge
from nuke_matting.nets.two_stage import OWN, TwoStage, coarse_size

QUALITY = Quality(regions=4.0, batch=64)


@pytest.fixture(scope="module")
def model(weights):
    return load_model(weights, "cpu", "fp32")


def image(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 1.2, (height, width, 3)).astype(np.float32)


def matted(model, frame, before=(), quality=QUALITY):
    own = model.encode(model.prepare(frame))
    memory = [model.encode(model.prepare(each)) for each in before] or [own]
    return model.matte(frame, own, memory, quality)


@settings(max_examples=12)
@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_any_size_gives_an_alpha_and_a_foreground_of_that_size(model, height, width):
    matte = matted(model, FrameInput(image(height, width)))
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)
    assert matte.alpha.dtype == matte.foreground.dtype == np.float32
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1 and np.isfinite(matte.foreground).all()


def test_the_same_frame_gives_the_same_bits_whatever_came_between(model):
    frame, others = FrameInput(image(40, 64)), [FrameInput(image(40, 64, seed)) for seed in (1, 2)]
    first = matted(model, frame, others)
    matted(model, others[0])
    again = matted(model, frame, others)
    assert np.array_equal(first.alpha, again.alpha) and np.array_equal(first.foreground, again.foreground)


@settings(max_examples=12)
@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_a_foreground_that_is_not_wanted_is_left_out_and_the_alpha_stays(model, height, width):
    frame = FrameInput(image(height, width))
    alone = matted(model, frame, quality=Quality(4.0, 64, foreground=False))
    assert alone.foreground is None
    assert np.array_equal(alone.alpha, matted(model, frame).alpha)


@pytest.mark.parametrize("what", ["memory", "clean", "guide", "regions"])
def test_what_is_given_changes_the_answer(model, what):
    plain = FrameInput(image(48, 64))
    base = matted(model, plain)
    if what == "memory":
        other = matted(model, plain, [FrameInput(image(48, 64, 5))])
    elif what == "regions":
        other = matted(model, plain, quality=Quality(0.0, 64))
    else:
        helps = {"clean": image(48, 64, 3), "guide": np.full((48, 64), 0.5, np.float32)}
        other = matted(model, FrameInput(plain.image, **{what: helps[what]}))
    assert not np.array_equal(base.alpha, other.alpha)


@pytest.mark.parametrize("help", [(), ("clean", "guide")], ids=["alone", "helped"])
def test_an_anamorphic_frame_is_seen_in_the_proportions_that_it_is_shown_in(model, help):
    guide = np.linspace(0, 1, 48 * 128, dtype=np.float32).reshape(128, 48).T
    picture = np.stack([guide, guide**2, 1 - guide], 2)
    shown = {"image": picture, **{name: {"clean": picture[::-1], "guide": guide}[name] for name in help}}
    squeezed = {name: (each[:, ::2] + each[:, 1::2]) / 2 for name, each in shown.items()}
    wanted, seen = model.prepare(FrameInput(**shown)), model.prepare(FrameInput(**squeezed, pixel_aspect=2.0))
    assert seen.first.shape == wanted.first.shape and torch.allclose(seen.first, wanted.first, atol=0.02)


@settings(max_examples=12)
@given(height=st.integers(1, 60), width=st.integers(1, 60), aspect=st.floats(0.25, 4.0))
def test_a_matte_has_its_frame_s_size_whatever_the_pixels_aspect(model, height, width, aspect):
    matte = matted(model, FrameInput(image(height, width), pixel_aspect=aspect))
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)


def test_a_key_matte_of_an_anamorphic_frame_lies_where_it_was_painted(model):
    key = FrameInput(image(64, 64), pixel_aspect=2.0)
    told = model.correct(model.encode(model.prepare(key)), band(64, 64))
    rows, columns = told.features.f8.shape[-2:]
    assert columns == 2 * rows
    matte = told.cell_matte.matte.reshape(rows, columns)
    assert matte[:, : columns // 4 - 1].min() > 0.9 and matte[:, columns // 4 + 1 :].max() < 0.1


def coarse(model, own, memory):
    return model.coarse(own, memory, model.votes(own, memory))


def around(model, own):
    """The memory of a frame that stands alone."""
    return [own] * len(model.references)


def band(height, width, first=0):
    """A matte of 16 columns."""
    matte = np.zeros((height, width), np.float32)
    matte[:, first : first + 16] = 1
    return matte


def test_the_matte_of_a_key_frame_is_read_by_others(model):
    frame, key = FrameInput(image(48, 64)), FrameInput(image(48, 64, 5))
    own, plain = (model.encode(model.prepare(each)) for each in (frame, key))
    told = [model.correct(plain, band(48, 64, first)) for first in (0, 32)]
    alphas = [model.matte(frame, own, [*around(model, own), each], QUALITY).alpha for each in (plain, *told)]
    assert model.abilities.keys and len({each.tobytes() for each in alphas}) == 3
    again = model.correct(plain, band(48, 64, 32))
    assert np.array_equal(model.matte(frame, own, [*around(model, own), again], QUALITY).alpha, alphas[2])


def test_where_there_is_a_key_frames_that_were_not_told_of_it_have_no_say(model):
    own, other, key = (model.encode(model.prepare(FrameInput(image(48, 64, seed)))) for seed in range(3))
    told = model.correct(key, band(48, 64))
    around = [other] * len(model.references)
    doubting = [other._replace(cell_matte=other.cell_matte._replace(matte=1 - other.cell_matte.matte))] * len(
        model.references
    )
    one, same = (coarse(model, own, [*near, told]).alpha for near in (around, doubting))
    assert torch.equal(one, same)
    assert not torch.equal(coarse(model, own, around).alpha, coarse(model, own, doubting).alpha)


@pytest.mark.parametrize("painted", [0.0, 1.0], ids=["nothing", "a speck"])
def test_a_key_matte_without_a_subject_is_as_none(model, painted):
    frame = FrameInput(image(48, 64))
    own, other = (model.encode(model.prepare(each)) for each in (frame, FrameInput(image(48, 64, 5))))
    matte = np.zeros((48, 64), np.float32)
    matte[3, 4:40] = painted
    plain, told = (
        model.matte(frame, own, [*around(model, own), *keys], QUALITY) for keys in ([], [model.correct(other, matte)])
    )
    assert np.array_equal(plain.alpha, told.alpha)


def test_a_faint_subject_of_a_key_matte_is_one(model):
    own = model.encode(model.prepare(FrameInput(image(48, 64))))
    assert model.correct(own, np.full((48, 64), 0.2, np.float32)).key


def test_a_black_clean_plate_is_not_the_same_as_none(model):
    plain = FrameInput(image(32, 32))
    black = FrameInput(plain.image, clean=np.zeros_like(plain.image))
    assert not np.array_equal(matted(model, plain).alpha, matted(model, black).alpha)


def test_regions_in_small_batches_give_the_same_matte_to_the_last_bits(model):
    frame = FrameInput(image(64, 64))
    one, other = (matted(model, frame, quality=Quality(4.0, batch)) for batch in (7, 1024))
    assert np.allclose(one.alpha, other.alpha, atol=1e-5)


def test_half_precision_stays_close_to_full(model, weights):
    frame = FrameInput(image(48, 64))
    full, half = (matted(each, frame).alpha for each in (model, load_model(weights, "cpu", "bf16")))
    assert full.std() > 0.1 and 0 < np.abs(half - full).mean() < 0.05 * full.std()


HELP = {"clean": image(48, 128, 3), "guide": np.eye(48, 128, dtype=np.float32)}


def shown_to(net, work):
    """What a network is given to encode in a piece of work."""
    given, encode = [], net.encode
    net.encode = lambda x: given.append(x) or encode(x)
    try:
        work()
    finally:
        del net.encode
    return given


@pytest.mark.parametrize("help", [(), ("clean",), ("guide",), ("clean", "guide")])
def test_of_two_networks_in_a_file_the_second_mattes_frames_with_help(weights, aided_weights, joined_weights, help):
    frames = [FrameInput(image(48, 128, seed), **{name: HELP[name] for name in help}) for seed in range(3)]
    joined, alone = (
        matted(load_model(each, "cpu", "fp32"), frames[0], frames[1:])
        for each in (joined_weights, aided_weights if help else weights)
    )
    assert np.array_equal(joined.alpha, alone.alpha) and np.array_equal(joined.foreground, alone.foreground)


def unsure(image, lies, keys):
    """As where no motion leads to a key frame."""
    return Carried(torch.full_like(image[:, :1], 0.5), torch.zeros_like(image[:, :1]))


@pytest.mark.parametrize("help", [(), ("clean",), ("guide",)])
def test_a_frame_that_reads_a_key_is_matted_by_the_second_network_with_a_guide_of_it(joined_weights, monkeypatch, help):
    monkeypatch.setattr(two_stage, "carried", unsure)
    model = load_model(joined_weights, "cpu", "fp32")
    frame, key = (FrameInput(image(48, 128, seed), **{name: HELP[name] for name in help}) for seed in (0, 1))
    own = model.encode(model.prepare(frame))
    told = model.correct(model.encode(model.prepare(key)), band(48, 128, 20))
    spread = coarse(model, own, [*around(model, own), told]).alpha
    guide = torch.nn.functional.interpolate(spread, (48, 128), mode="bilinear")[0, 0].numpy()
    guided = matted(model, FrameInput(frame.image, clean=frame.clean, guide=guide))
    found, without = (
        model.matte(frame, own, memory, QUALITY) for memory in ([*around(model, own), told], around(model, own))
    )
    assert np.abs(found.alpha - guided.alpha).mean() < 0.4 * np.abs(found.alpha - without.alpha).mean()


def test_where_the_motion_is_sure_a_frame_has_the_matte_of_the_key_it_reads(joined_weights):
    model = load_model(joined_weights, "cpu", "fp32")
    scene = ndimage.gaussian_filter(image(96, 160, 3), (4, 4, 0))
    scene = (scene - scene.min()) / np.ptp(scene)
    wire = np.zeros((96, 160), np.float32)
    wire[:, 70:76] = 1  # thinner than a cell, which is of 13 pixels
    frame, key = FrameInput(np.roll(scene, 5, axis=1)), FrameInput(scene)
    own, told = model.encode(model.prepare(frame)), model.correct(model.encode(model.prepare(key)), wire)
    alpha = model.matte(frame, own, [*around(model, own), told], Quality(regions=0, batch=64)).alpha[:, 24:-24]
    true = np.roll(wire, 5, axis=1)[:, 24:-24]
    assert np.abs(alpha - true).mean() < 0.5 * true.mean()  # these networks know nothing: by themselves they find half


def test_of_two_keys_that_disagree_the_nearer_one_counts_more(joined_weights):
    model = load_model(joined_weights, "cpu", "fp32")
    frame = FrameInput(ndimage.zoom(image(24, 40), (4, 4, 1), order=1))
    own = model.encode(model.prepare(frame))
    keys = [model.correct(own._replace(), band(96, 160, first)) for first in (0, 80)]
    near, far = (
        model.matte(
            frame,
            own,
            [*around(model, own), model.away(keys[0], before), model.away(keys[1], after)],
            Quality(regions=0, batch=64),
        ).alpha
        for before, after in ((1, 9), (9, 1))
    )
    assert near[20:-20, 3:12].mean() > 0.8 > 0.2 > far[20:-20, 3:12].mean()


def test_a_third_network_looks_again_at_what_the_first_found_with_its_memory(
    joined_weights, looking_weights, monkeypatch
):
    monkeypatch.setattr(two_stage, "MOVED", -1.0)
    model, nets = load_model(looking_weights, "cpu", "fp32"), networks(load_weights(Path(looking_weights)))
    frame, before = FrameInput(image(48, 128)), FrameInput(image(48, 128, 1))
    own, memory = model.encode(model.prepare(frame)), model.encode(model.prepare(before))
    again = model.again(own, coarse(model, own, [memory] * 4).alpha, AGAIN)
    (stacked,) = shown_to(model.net(AGAIN), lambda: model.again(own, coarse(model, own, [memory] * 4).alpha, AGAIN))
    assert stacked.shape == (1, 9, *coarse_size(48, 128, 96)) and (stacked[:, 8] == OWN).all()
    with torch.inference_mode():
        features = nets.again.eval().encode(stacked)
        assert torch.allclose(nets.again.coarse(features, [features.memory]).alpha, again.coarse.alpha, atol=1e-5)
    coarse_only = Quality(regions=0, batch=64)
    found = model.matte(frame, own, [memory] * 4, coarse_only)
    full = torch.from_numpy(frame.image).permute(2, 0, 1)[None]
    alpha = model.consensus_again(own, again.coarse.alpha, model.votes(own, [memory] * 4))
    enlarged = enlarge(alpha, full, again.small)[0, 0].numpy()
    assert np.allclose(found.alpha, enlarged, atol=1e-5)
    once = matted(load_model(joined_weights, "cpu", "fp32"), frame, [before], coarse_only)
    assert not np.array_equal(found.alpha, once.alpha)


def test_what_memory_hardly_changes_is_looked_at_without_it_and_from_there_on_more_and_more(
    looking_weights, monkeypatch
):
    model, frame = load_model(looking_weights, "cpu", "fp32"), FrameInput(image(48, 128))
    own, before = (model.encode(model.prepare(each)) for each in (frame, FrameInput(image(48, 128, 1))))
    coarse_only = Quality(regions=0, batch=64)

    def with_news(share):
        monkeypatch.setattr(two_stage, "news", lambda *_: torch.tensor([share]))
        return model.matte(frame, own, [before] * 4, coarse_only).alpha

    full, looked = torch.from_numpy(frame.image).permute(2, 0, 1)[None], own.second_look.answer
    alpha = model.consensus_again(own, looked.coarse.alpha, model.votes(own, [before] * 4))
    alone = enlarge(alpha, full, looked.small)[0, 0].numpy()
    assert np.allclose(with_news(0.0), alone, atol=1e-6)
    steps = [np.abs(with_news(share) - alone).max() for share in (1e-4, 0.1, 1.0)]
    assert steps[0] < 0.1 * steps[1] < steps[2]


def test_a_still_is_looked_at_again_once(looking_weights, monkeypatch):
    model, frame = load_model(looking_weights, "cpu", "fp32"), FrameInput(image(48, 128))
    own = model.encode(model.prepare(frame))
    stacked = shown_to(model.net(AGAIN), lambda: model.matte(frame, own, [own] * 4, QUALITY))
    assert len(stacked) == 1


def test_frames_that_read_a_key_are_not_looked_at_again(looking_weights):
    model = load_model(looking_weights, "cpu", "fp32")
    frame, key = FrameInput(image(48, 128)), FrameInput(image(48, 128, 1))

    def work():
        own, told = model.encode(model.prepare(frame)), model.correct(model.encode(model.prepare(key)), band(48, 128))
        model.matte(frame, own, [*around(model, own), told], QUALITY)

    assert (
        shown_to(model.net(AGAIN), work) == [] and len(shown_to(model.net(AIDED), work)) == 2
    )  # the guide, and a closer one


@pytest.mark.parametrize("near", [False, True])
def test_a_key_matte_that_was_cleared_says_nothing_by_the_third_network_either(looking_weights, near):
    model = load_model(looking_weights, "cpu", "fp32")
    own, other = (model.encode(model.prepare(FrameInput(image(48, 128, seed)))) for seed in (0, 1))
    cleared = model.correct(other, np.zeros((48, 128), np.float32))
    memory = [own, cleared, own, own] if near else [*around(model, own), cleared]
    assert model.votes(own, memory) == (None, None)


def test_a_key_frame_that_is_near_counts_once(model):
    own, near, far = (model.encode(model.prepare(FrameInput(image(48, 64, seed)))) for seed in range(3))
    keys = [model.correct(each, band(48, 64, first)) for each, first in ((near, 0), (far, 32))]
    once, twice = (model.votes(own, [*memory, *keys]).first for memory in ([own] * 4, [keys[0], own, own, own]))
    assert torch.equal(once, twice)


@pytest.mark.parametrize("light", [(-20.0, 0.9, 0.2), (-65504.0, 1.0, 1.0)])
def test_a_saturated_light_changes_nothing_far_from_it(light):
    model = load_model("two_stage", "cpu", "fp32")
    plain = np.random.default_rng(1).uniform(0.2, 0.4, (180, 320, 3)).astype(np.float32)
    lit = plain.copy()
    lit[:12, :12] = light
    found, with_light = (matted(model, FrameInput(each)) for each in (plain, lit))
    assert np.isfinite(with_light.alpha).all() and np.abs(found.alpha - with_light.alpha)[90:, 160:].max() < 0.05
    assert np.abs(with_light.foreground - lit).max() < 2, "a foreground keeps its light"


def test_the_second_network_is_told_that_a_guide_of_key_mattes_is_given(looking_weights):
    model = load_model(looking_weights, "cpu", "fp32")
    own = model.encode(model.prepare(FrameInput(image(48, 128))))
    stacked = shown_to(model.net(AIDED), lambda: model.again(own, own.alone.alpha, AIDED))
    assert len(stacked) == 2 and all((each[:, 8] == 1).all() for each in stacked)


@pytest.mark.parametrize("help", [("clean",), ("guide",)])
def test_a_frame_with_help_is_looked_at_once(joined_weights, looking_weights, help):
    frame = FrameInput(image(48, 128), **{name: HELP[name] for name in help})
    one, other = (matted(load_model(each, "cpu", "fp32"), frame) for each in (joined_weights, looking_weights))
    assert np.array_equal(one.alpha, other.alpha)


def test_all_networks_count_as_parameters(weights, joined_weights, looking_weights):
    counts = [parameters(load_model(each, "cpu", "fp32")) for each in (weights, joined_weights, looking_weights)]
    assert counts == [counts[0], 2 * counts[0], 3 * counts[0]]


@pytest.mark.parametrize("key", ["coarse_long_side", "aided_long_side"])
@pytest.mark.parametrize("given", ["large", "-5", "0", "1e3", "99999999", "9" * 5000, ""])
def test_a_coarse_size_that_is_none_is_refused(tmp_path, key, given):
    path = tmp_path / "odd.safetensors"
    all_ = as_one(TwoStage(), TwoStage(), TwoStage())
    save_weights(path, all_, {"architecture": "two_stage", "name": "odd", key: given})
    with pytest.raises(ModelError, match=rf"odd\.safetensors.*{key}"):
        load_model(str(path), "cpu", "fp32")


def test_weights_from_before_the_last_cues_matte_as_they_did(weights, tmp_path):
    file = load_weights(Path(weights))
    net, name = networks(file).plain, "stem.to2.0.weight"
    with torch.no_grad():
        net.get_parameter(name)[:, BEFORE:] = 0
    save_weights(tmp_path / "new.safetensors", net, file.metadata)
    tensors = load_weights(tmp_path / "new.safetensors").tensors
    old = replace(file, tensors=tensors | {name: tensors[name][:, :BEFORE]})
    assert torch.equal(networks(old).plain.get_parameter(name), net.get_parameter(name).half().float())


def test_weights_with_fewer_inputs_than_any_that_were_made_are_refused(weights):
    file, name = load_weights(Path(weights)), "stem.to2.0.weight"
    with pytest.raises(ModelError, match="another shape"):
        networks(replace(file, tensors=file.tensors | {name: file.tensors[name][:, :7]}))


def test_places_of_a_key_frame_that_shows_another_cut_are_those_of_the_picture(weights):
    """Of two discs that look alike the left one is keyed, and another frame shows the right one alone: what the key
    says is told by place, and that is the picture's, not the cut's."""
    model = load_model(weights, "cpu", "fp32")
    y, x = np.mgrid[0:64, 0:128].astype(np.float32)
    discs = [((y - 32) ** 2 + (x - middle) ** 2 < 12**2).astype(np.float32) for middle in (28, 100)]
    picture = np.stack([0.2 + 0.6 * (discs[0] + discs[1])] * 3, 2)

    def told(known, left=84):
        cuts = []
        for at in (0, left):
            where = (0.0, at / 128, 0.5, (128 - at) / 128) if known else None
            frame = FrameInput(np.ascontiguousarray(picture[:, at:]), lies=where)
            cuts.append(model.encode(model.prepare(frame)))
        key, own = model.correct(cuts[0], discs[0]), cuts[1]
        matte, trust = model.votes(own, [own] * 4 + [key]).first.split(1, dim=1)
        rows, columns = own.features.f8.shape[-2:]
        at = int((32 / 64) * rows) * columns + int((100 - left) / (128 - left) * columns)
        return float((matte / trust).flatten()[at])

    assert told(known=False) > 0.4 and told(known=True) < 0.2
