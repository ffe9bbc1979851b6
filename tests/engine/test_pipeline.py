"""Many frames side by side: each matte is of the files that its name says."""

import threading

from nuke_matting import Settings, Shot
from nuke_matting.engine.pipeline import Target, run


class Nowhere(Target):
    """Wants every matte, and writes none."""

    def has(self, plan):
        return False

    def write(self, matte):
        return []


def test_a_frame_that_is_rendered_again_once_it_is_read_is_read_anew_for_those_before_it(
    make_plate, weights, monkeypatch
):
    plate, settings = make_plate([1001, 1002]), Settings(model=weights)
    shot, is_read = Shot(plate, settings), threading.Event()
    plan, load = shot.plan, shot.load

    def planned(frame):
        if frame == 1001 and not is_read.is_set():
            assert is_read.wait(60)
            make_plate([1002], gain=0.3)
        return plan(frame)

    def loaded(frame):
        found = load(frame)
        if frame == 1002:
            is_read.set()
        return found

    monkeypatch.setattr(shot, "plan", planned)
    monkeypatch.setattr(shot, "load", loaded)
    assert len(list(run(shot, (1001, 1002), Nowhere(), print))) == 2
    kept, anew = Shot(plate, settings).matte(1001), Shot(plate, settings.replace(cache=False)).matte(1001)
    assert kept.cached and kept.alpha.tobytes() == anew.alpha.tobytes()
