"""The desk where requests lie."""

import threading

from nuke_matting.worker import desk as desks
from nuke_matting.worker.desk import Desk


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
