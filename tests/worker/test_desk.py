"""The desk where requests lie."""

from nuke_matting.worker import desk as desks
from nuke_matting.worker.desk import Desk


def test_memory_goes_back_to_the_system_when_no_request_is_left(monkeypatch, tmp_path):
    said, open_then = [], []
    monkeypatch.setattr(desks, "give_back", lambda: open_then.append([each for each in "ab" if desk.has(each)]))
    desk = Desk(said.append)
    for each in "ab":
        desk.take({"type": "matte", "id": each, "plate": str(tmp_path / "none.####.exr")})
    assert desk.close(patience=60)
    assert [event["id"] for event in said] == ["a", "b"]
    assert open_then[-1] == []
