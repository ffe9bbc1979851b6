"""What a run starts from, as it is given on the command line."""

from pathlib import Path

import pytest

from nuke_matting.errors import UsageError
from nuke_matting.training.starts import Start, parse_start


@pytest.mark.parametrize(
    ("text", "path", "share"),
    [("a.pt", "a.pt", 1.0), ("a.pt:0.4", "a.pt", 0.4), (r"C:\a.pt", r"C:\a.pt", 1.0), (r"C:\a.pt:2", r"C:\a.pt", 2.0)],
)
def test_a_start_is_a_file_and_may_have_a_share(text, path, share):
    assert parse_start(text) == Start(Path(path), share)


def test_a_file_whose_name_looks_like_a_share_is_a_file(tmp_path):
    odd = tmp_path / "weights:2"
    odd.touch()
    assert parse_start(str(odd)) == Start(odd)


@pytest.mark.parametrize("share", ["0", "-1", "inf", "nan"])
def test_a_share_of_nothing_is_refused(share):
    with pytest.raises(UsageError, match="share above 0"):
        parse_start(f"a.pt:{share}")
