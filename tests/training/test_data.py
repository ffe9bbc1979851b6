"""Batches: the same for the same seed however they are drawn, from the sources that were asked for."""

import multiprocessing
import signal
import subprocess
import time
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given as for_all
from hypothesis import strategies as st

from nuke_matting.errors import UsageError
from nuke_matting.training import data
from nuke_matting.training.data import LAYERS, Batches, Sources, given
from nuke_matting.training.datasets import Source
from nuke_matting.training.stages import Stage

STAGE = Stage(
    steps=6, batch=3, frames=2, sizes=((16, 32), (32, 16)), enlarge=2.0, rate=1e-3, norms=True, learns="all", echo=1
)


def write_pair(folder, name, colour="fg", matte="alpha", joined="{name}_{layer}.png"):
    for layer, value in ((colour, (90, 120, 200)), (matte, 255)):
        path = folder / joined.format(name=name, layer=layer)
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((60, 40, 3) if layer == colour else (60, 40), value, np.uint8))


@pytest.fixture
def people(tmp_path):
    write_pair(tmp_path / "people", "a")
    write_pair(tmp_path / "people", "b")
    return Source(tmp_path / "people")


@pytest.fixture
def mixed(tmp_path):
    """A known set that does not hold people alone."""
    write_pair(tmp_path / "mixed", "1", "FG", "GT", "{layer}/{name}.png")
    return Source(tmp_path / "mixed", layout="Distinctions-646")


@pytest.fixture
def behind(tmp_path):
    (tmp_path / "behind").mkdir()
    cv2.imwrite(str(tmp_path / "behind" / "a.png"), np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8))
    return (Source(tmp_path / "behind"),)


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in (*LAYERS, "guided"))


def test_a_batch_is_clips_of_a_size_of_the_stage(people, behind):
    batch = next(iter(Batches(Sources((people,), behind), STAGE, 1, 0)))
    assert batch.image.shape[:3] == (3, 2, 3) and tuple(batch.image.shape[3:]) in {(32, 64), (64, 32)}
    assert batch.alpha.shape == batch.guide.shape == (3, 2, 1, *batch.image.shape[3:])
    assert batch.guided.dtype == torch.bool and batch.guided.shape == (3,)


def test_a_resumed_run_goes_on_as_the_unbroken_one_would(people, behind):
    sources = Sources((people,), behind, things=1.0)
    whole, rest = list(Batches(sources, STAGE, 7, 0)), list(Batches(sources, STAGE, 7, 4))
    assert len(whole) == 6 and len(rest) == 2
    assert all(same(a, b) for a, b in zip(whole[4:], rest, strict=True))
    assert not same(whole[4], whole[5])


def test_the_number_of_workers_does_not_change_the_batches(people, behind, monkeypatch):
    sources = Sources((people,), behind, things=1.0)
    alone = list(Batches(sources, STAGE, 7, 0))
    for worker in range(2):
        monkeypatch.setattr(data, "get_worker_info", lambda worker=worker: SimpleNamespace(id=worker, num_workers=2))
        shared = list(Batches(sources, STAGE, 7, 0))
        assert all(same(a, b) for a, b in zip(alone[worker::2], shared, strict=True))


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="needs a signal's sender")
@pytest.mark.parametrize("by", ["its trainer", "a server"])
def test_a_worker_ends_when_its_trainer_kills_it_and_for_nobody_else(monkeypatch, by):
    fork = multiprocessing.get_context("fork")
    if by == "a server":  # as newer Pythons start processes
        monkeypatch.setattr("os.getppid", lambda: 1)
    ready = fork.Event()

    def work():
        data._leave_interrupts(0)
        ready.set()
        time.sleep(600)

    worker = fork.Process(target=work, daemon=True)
    worker.start()
    assert ready.wait(60)
    subprocess.run(["kill", "-TERM", str(worker.pid)], check=True)
    worker.join(0.5)
    assert worker.is_alive()
    worker.terminate()
    worker.join(60)
    assert worker.exitcode == 0


@pytest.mark.parametrize("asked_as", ["people", "others"])
def test_a_known_set_of_other_things_is_guided_wherever_it_is_named(mixed, behind, asked_as):
    sources = replace(Sources((), behind), **{asked_as: (mixed,)})
    assert next(iter(Batches(sources, STAGE, 1, 0))).guided.all()


def test_people_named_as_others_are_guided(people, behind):
    assert next(iter(Batches(Sources((), behind, others=(people,)), STAGE, 1, 0))).guided.all()


def test_people_alone_are_never_guided(people, behind):
    assert not any(batch.guided.any() for batch in Batches(Sources((people,), behind), STAGE, 1, 0))


def test_things_need_no_sources(behind):
    assert next(iter(Batches(Sources((), behind, things=1.0), STAGE, 1, 0))).guided.all()


def test_folders_may_grow_and_known_sets_are_searched_once(people, mixed, behind, monkeypatch):
    asked, find = [], data.find_subjects
    monkeypatch.setattr(data, "REREAD", 2)
    monkeypatch.setattr(data, "find_subjects", lambda source, cache: asked.append(source) or find(source, cache))
    batches = iter(Batches(Sources((people, mixed), behind), STAGE, 1, 0))
    list(islice(batches, 5))
    assert asked.count(people) == 3 and asked.count(mixed) == 1


@pytest.mark.parametrize(("frames", "drawn_from"), [(1, 4), (2, 2)])
def test_where_stills_are_drawn_each_numbered_picture_of_a_sub_folder_is_one(
    tmp_path, behind, frames, drawn_from, monkeypatch
):
    for name in ("a", "set/1", "set/2", "set/3"):
        write_pair(tmp_path / "people", name)
    subjects, made = [], data.Compositor
    monkeypatch.setattr(data, "Compositor", lambda people, *more: subjects.append(people) or made(people, *more))
    next(iter(Batches(Sources((Source(tmp_path / "people"),), behind), replace(STAGE, frames=frames), 1, 0)))
    assert len(subjects[0][0][1]) == drawn_from


@pytest.mark.parametrize(("enlarge", "largest", "long_side"), [(1.0, np.inf, 640), (2.0, 1.2, 640), (64.0, 1.2, 2048)])
def test_stages_that_learn_detail_draw_pictures_as_they_are(people, behind, monkeypatch, enlarge, largest, long_side):
    asked = []
    monkeypatch.setattr(data, "Store", lambda memory, side: asked.append(side))
    monkeypatch.setattr(data, "Compositor", lambda *more: asked.append(more[-1]))
    monkeypatch.setattr(Batches, "_batch", lambda *_: None)
    next(iter(Batches(Sources((people,), behind), replace(STAGE, enlarge=enlarge), 1, 0)))
    assert asked == [long_side, largest]


def test_a_folder_that_is_not_there_is_refused(behind, tmp_path):
    with pytest.raises(UsageError, match="gone"):
        next(iter(Batches(Sources((Source(tmp_path / "gone"),), behind), STAGE, 1, 0)))


@for_all(st.lists(st.booleans(), min_size=1, max_size=8), st.floats(0, 1), st.booleans(), st.integers(0, 2**16))
def test_nobody_has_to_guess_what_a_guided_sample_is_about(guided, shown, together, seed):
    flags = torch.tensor(guided)
    clean, guide = given(flags, shown, together, torch.Generator().manual_seed(seed))
    assert clean.shape == guide.shape == (len(guided), 1, 1, 1, 1)
    assert ((clean | guide).flatten() | ~flags).all()
    assert not together or len(set(clean.flatten().tolist())) == 1


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.45])
def test_the_clean_plate_and_the_guide_are_each_shown_a_share_of_the_time(share, together):
    generator = torch.Generator().manual_seed(1)
    shown = [given(torch.zeros(4, dtype=torch.bool), share, together, generator) for _ in range(500)]
    for layer in range(2):
        assert np.mean([each[layer].float().mean().item() for each in shown]) == pytest.approx(share, abs=0.05)
