"""The desk where requests lie."""

import threading
from pathlib import Path

import pytest

from nuke_matting.atomic import write_whole
from nuke_matting.engine import cache as caches
from nuke_matting.engine.shot import Shot
from nuke_matting.errors import OutputError
from nuke_matting.host.wire import encode
from nuke_matting.worker import desk as desks
from nuke_matting.worker.desk import Desk
from nuke_matting.worker.job import Job
from nuke_matting.worker.library import Library


def test_memory_goes_back_to_the_system_when_no_request_is_left(monkeypatch, tmp_path):
    said, open_then, quiet = [], [], threading.Event()

    def give_back():
        open_then.append([each for each in "ab" if desk.has(each)])
        if len(said) == 2:
            quiet.set()

    monkeypatch.setattr(desks, "QUIET", 0.2)
    monkeypatch.setattr(desks, "give_back", give_back)
    desk = Desk(said.append)
    for each in "ab":
        desk.take({"type": "matte", "id": each, "plate": str(tmp_path / "none.####.exr")})
    assert quiet.wait(60)
    assert desk.close(patience=60)
    assert [event["id"] for event in said] == ["a", "b"]
    assert open_then[-1] == []


def test_requests_that_come_one_after_another_keep_their_memory(monkeypatch, tmp_path):
    ended, given_back = threading.Semaphore(0), []
    monkeypatch.setattr(desks, "give_back", lambda: given_back.append(1))
    desk = Desk(lambda event: ended.release())
    for number in range(3):
        desk.take({"type": "matte", "id": str(number), "plate": str(tmp_path / "none.####.exr")})
        assert ended.acquire(timeout=60)
    assert desk.close(patience=60)
    assert given_back == []


def test_a_request_whose_error_would_fill_no_line_is_answered_and_so_is_the_next(tmp_path):
    said, ended = [], threading.Semaphore(0)

    def say(event):
        encode(event)  # as a line; raises where it is too long
        said.append(event)
        ended.release()

    desk, request = Desk(say), {"type": "matte", "plate": str(tmp_path / "none.####.exr")}
    desk.take({**request, "id": "a", "frames": "z" * 600_000})
    desk.take({**request, "id": "b"})
    assert ended.acquire(timeout=60) and ended.acquire(timeout=60)
    assert desk.close(patience=60)
    assert [event["id"] for event in said] == ["a", "b"]


def test_an_error_that_cannot_be_told_ends_its_own_request_alone(tmp_path):
    ended = threading.Semaphore(0)

    def say(event):
        if event["id"] == "a":
            raise ValueError("no way to say it")
        ended.release()

    desk, request = Desk(say), {"type": "matte", "plate": str(tmp_path / "none.####.exr")}
    desk.take({**request, "id": "a"})
    desk.take({**request, "id": "b"})
    assert ended.acquire(timeout=60)
    assert desk.close(patience=60)


def test_weights_that_are_gone_are_told_as_such(tmp_path):
    said, ended = [], threading.Semaphore(0)
    desk = Desk(lambda event: (said.append(event), ended.release()))
    settings = {"model": str(tmp_path / "gone.safetensors")}
    desk.take({"type": "matte", "id": "a", "plate": str(tmp_path / "p.####.exr"), "settings": settings})
    assert ended.acquire(timeout=60) and desk.close(patience=60)
    assert said[0]["kind"] == "model" and "gone.safetensors" in said[0]["path"] + said[0]["what"]


def test_help_of_another_size_is_refused_once_and_before_any_frame(make_plate, weights):
    said, ended = [], threading.Semaphore(0)

    def say(event):
        said.append(event)
        if event["type"] == "done" or event.get("frame", 0) is None:
            ended.release()

    plate, small = make_plate([1001, 1002]), make_plate([1001, 1002], 18, 32, "small")
    request = {"type": "matte", "plate": plate, "settings": {"model": weights, "guide": small}, "view": 1002}
    desk = Desk(say)
    desk.take({**request, "id": "matte"})
    assert ended.acquire(timeout=60)
    (error,) = said
    assert (error["type"], error["kind"], error["frame"]) == ("error", "usage", None)
    assert error["what"] == "is 32x18 and the plate 64x36" and error["path"].endswith("small/plate.1001.exr")
    desk.take({**request, "id": "look", "compute": False})
    assert ended.acquire(timeout=60) and desk.close(patience=60)
    assert [each["state"] for each in said if each["type"] == "frame"] == ["missing", "missing"], "a look is none"


def said_of(request):
    """What a desk says of one request."""
    said, ended = [], threading.Semaphore(0)

    def say(event):
        said.append(event)
        if event["type"] == "done" or event.get("frame", 0) is None:
            ended.release()

    desk = Desk(say)
    desk.take({"type": "matte", "id": "a", **request})
    assert ended.acquire(timeout=60) and desk.close(patience=60)
    return said


def test_an_output_may_lie_in_the_users_home(make_plate, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = {"model": weights, "cache": False}
    said = said_of({"plate": make_plate([1001]), "out": "~/mattes/m.####.exr", "settings": settings})
    assert said[-1]["state"] == "done" and (tmp_path / "mattes" / "m.1001.exr").is_file()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
@pytest.mark.parametrize("name", ["plate", "out", "ocio", "cache_dir", "guide"])
def test_text_that_no_file_can_be_named_by_is_wrong_use(make_plate, name, text):
    request = {"plate": make_plate([1001])}
    (error,) = said_of({**request, **({name: text} if name in ("plate", "out") else {"settings": {name: text}})})
    assert error["kind"] == "usage" and error["what"].startswith(name) and error["advice"]


def test_once_a_matte_cannot_be_kept_no_other_is_computed_for_nothing(make_plate, weights, monkeypatch):
    plate = make_plate(range(1001, 1009))
    settings = {"model": weights, "jobs": 1}
    there = said_of({"plate": plate, "settings": settings, "frames": "1008"})
    assert there[-1]["state"] == "done"

    def full(path: Path, *args, **about):
        if path.suffix == ".exr":
            raise OutputError("cannot be written: the disk is full", path=path)
        write_whole(path, *args, **about)

    monkeypatch.setattr(caches, "write_whole", full)
    infer, inferred = Shot.infer, []

    def counted(self, plan, *rest):
        inferred.append(plan.frame)
        return infer(self, plan, *rest)

    monkeypatch.setattr(Shot, "infer", counted)
    said = said_of({"plate": plate, "settings": settings})
    errors = [each for each in said if each["type"] == "error"]
    assert sorted(each["frame"] for each in errors) == list(range(1001, 1008))
    assert all(each["kind"] == "cache" and "the disk is full" in each["what"] and each["advice"] for each in errors)
    assert set(inferred) <= set(range(1001, 1006)), "those that were read before the first was to be kept"
    assert [each["state"] for each in said if each["type"] == "frame"] == ["cached"], "what is there is of use"


@pytest.fixture
def answer(weights):
    """answer(**request) is the event that closes a request for mattes."""

    def ask(**request):
        said = []
        settings = {"model": weights, "device": "cpu", **request.pop("settings", {})}
        for _ in Job({"type": "matte", "id": "a", "settings": settings, **request}, Library(), said.append).steps:
            pass
        return said[-1]

    return ask


@pytest.mark.parametrize("about", [{"out": "~nosuch/a.####.exr"}, {"settings": {"cache_dir": "~nosuch"}}])
def test_a_folder_of_an_unknown_user_is_an_error_and_is_not_made(answer, make_plate, tmp_path, monkeypatch, about):
    monkeypatch.chdir(tmp_path)
    end = answer(plate=make_plate([1001, 1002]), **about)
    assert "no such user's home" in end["what"], end
    assert not (tmp_path / "~nosuch").exists()


def test_a_range_in_which_the_plate_has_no_frame_is_refused_and_one_with_some_is_not(answer, make_plate):
    plate = make_plate([1001, 1002])
    end = answer(plate=plate, frames="1-100")
    assert (end["kind"], end["frame"]) == ("usage", None)
    assert end["what"].endswith("the plate has none of the frames 1-100") and end["advice"] == "it has 1001-1002"
    assert answer(plate=plate, frames="1002-1003")["state"] == "failed"
