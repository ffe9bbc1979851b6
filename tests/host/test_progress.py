"""What the progress bar says."""

from nuke_matting.host.progress import Progress


class Job:
    """A job that a test moves on: each frame takes some seconds of a clock of its own."""

    def __init__(self, total):
        self.now, self.done, self.failed, self.total = 0.0, 0, 0, total
        self.progress = Progress(lambda: self.now)
        self._tell()

    def frame(self, number, seconds, failed=False):
        self.now += seconds
        self.done, self.failed = self.done + (not failed), self.failed + failed
        self.progress.take({"type": "error" if failed else "frame", "frame": number})
        self._tell()
        return self.progress.text()

    def _tell(self):
        self.progress.take({"type": "progress", "done": self.done, "failed": self.failed, "total": self.total})


def test_before_anything_is_known_it_says_nothing():
    assert Progress().text() == "" and Progress().percent() == 0


def test_it_says_the_frame_how_many_there_are_how_many_failed_and_the_time_left():
    job = Job(100)
    assert job.progress.text() == "0 of 100"
    assert job.frame(1001, 3.0) == "frame 1001, 1 of 100", "too early to judge"
    assert job.frame(1002, 3.0, failed=True) == "frame 1002, 2 of 100, 1 failed"
    for number in range(1003, 1048):
        job.frame(number, 3.0)
    assert job.frame(1048, 3.0) == "frame 1048, 48 of 100, 1 failed, about 3 min left"
    assert job.progress.percent() == 48


def test_frames_from_a_cache_do_not_make_those_that_are_computed_look_fast():
    job = Job(100)
    for number in range(1001, 1051):
        job.frame(number, 0.01)
    for number in range(1051, 1071):
        job.frame(number, 60.0)
    assert job.progress.text() == "frame 1070, 70 of 100, about 30 min left"


def test_the_last_frame_leaves_no_time():
    job = Job(4)
    for number in range(1, 5):
        job.frame(number, 1.0)
    assert job.progress.text() == "frame 4, 4 of 4"


def test_where_a_worker_began_anew_the_time_is_judged_anew():
    job = Job(10)
    for number in range(1, 6):
        job.frame(number, 1.0)
    job.done = 0
    assert job.frame(1, 1.0) == "frame 1, 1 of 10"


def test_an_error_of_the_whole_job_is_of_no_frame():
    progress = Progress()
    progress.take({"type": "error", "frame": None})
    assert progress.text() == ""
