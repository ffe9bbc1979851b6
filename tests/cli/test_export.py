"""`nuke-matting export`: a TorchScript file, and beside it the script that makes a .cat of it."""

import errno
import os

import numpy as np
import pytest
import torch

from nuke_matting import atomic
from nuke_matting.cli import export as export_module
from nuke_matting.cli.export import rec709_from


@pytest.fixture
def export(nuke_matting, weights):
    def run(*args):
        return nuke_matting("export", "--target", "inference", "--model", weights, *args)

    return run


def test_it_writes_the_model_and_the_script_and_says_what_to_do_next(export, tmp_path):
    done = export("--out", "sub/live.pt")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sub/live.pt" in done.stdout and "--nukex" in done.stdout and "sub/live.cat" in done.stdout
    assert torch.jit.load(str(tmp_path / "sub/live.pt"))(torch.rand(1, 9, 5, 7)).shape == (1, 4, 5, 7)
    assert sorted(each.name for each in (tmp_path / "sub").iterdir()) == ["live.nk", "live.pt"]


@pytest.mark.parametrize(
    "flags, channels",
    [(["--with-clean-plate"], 12), (["--with-guide"], 12), (["--with-clean-plate", "--with-guide"], 15)],
)
def test_model_and_script_agree_on_the_channels(export, tmp_path, flags, channels):
    assert export("--out", "live.pt", "--regions", "2", *flags).returncode == 0
    text = (tmp_path / "live.nk").read_text()
    line = next(line for line in text.splitlines() if "channelsIn" in line)
    assert line.count(",") == channels - 1 and " regions 2\n" in text
    assert torch.jit.load(str(tmp_path / "live.pt"))(torch.rand(1, channels, 8, 8)).shape[1] == 4


@pytest.mark.parametrize("name", ["live", "live.cat", "li ve.pt", "{x}.pt"])
def test_a_name_that_nuke_could_stumble_over_is_refused(export, name):
    done = export("--out", name)
    assert done.returncode == 2 and "end it in .pt" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["sh010.nk", "sh010.pt"])
def test_a_comp_script_or_model_of_that_name_is_not_written_over_unasked(export, tmp_path, name):
    (tmp_path / name).write_text("an artist's")
    done = export("--out", "sh010.pt")
    assert done.returncode == 2 and f"{name}: is there already" in done.stderr and "--overwrite" in done.stderr
    assert (tmp_path / name).read_text() == "an artist's" and len(list(tmp_path.glob("sh010.*"))) == 1
    assert export("--out", "sh010.pt", "--overwrite").returncode == 0
    assert (tmp_path / name).read_bytes() != b"an artist's"


def test_a_model_is_not_left_without_its_script(export, tmp_path):
    (tmp_path / "live.nk").mkdir()
    done = export("--out", "live.pt", "--overwrite")
    assert done.returncode == 2 and "live.nk" in done.stderr
    assert not (tmp_path / "live.pt").exists()


def test_a_full_disk_costs_neither_the_model_nor_the_script_that_were_there(export, tmp_path, monkeypatch):
    assert export("--out", "live.pt").returncode == 0
    there = {path.name: path.read_bytes() for path in tmp_path.glob("live.*")}

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    assert export("--out", "live.pt", "--overwrite", "--with-guide").returncode == 2
    assert len(there) == 2 and {path.name: path.read_bytes() for path in tmp_path.glob("live.*")} == there


def test_nor_beside_the_script_of_another(export, tmp_path, monkeypatch):
    assert export("--out", "live.pt").returncode == 0
    real = export_module.write_whole

    def killed_in_between(path, data, **more):
        if path.suffix == ".nk":
            raise KeyboardInterrupt
        real(path, data, **more)

    monkeypatch.setattr(export_module, "write_whole", killed_in_between)
    assert export("--out", "live.pt", "--overwrite", "--with-guide").returncode == 130
    assert sorted(each.name for each in tmp_path.glob("live.*")) == ["live.pt"]


def test_a_home_behind_an_equals_sign_is_found(export, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert export("--out=~/live.pt").returncode == 0
    assert (tmp_path / "home" / "live.pt").is_file()


def test_a_working_space_is_a_matrix_to_linear_rec709():
    matrix = rec709_from("ACEScg", "")
    assert np.allclose(matrix.sum(1), 1, atol=1e-3), "white stays white"
    assert np.allclose(matrix[0], [1.705, -0.622, -0.083], atol=2e-3)


def test_a_space_that_is_not_scene_linear_is_refused(export):
    done = export("--working-space", "sRGB - Texture")
    assert done.returncode == 2 and "not scene-linear" in done.stderr


def test_a_space_that_the_config_has_not_is_refused(export):
    done = export("--working-space", "no such space")
    assert done.returncode == 2 and "no such space" in done.stderr and done.stderr.count("\n") == 1


def test_a_space_that_holds_data_is_refused_without_an_option_that_export_lacks(export):
    done = export("--working-space", "Raw")
    assert done.returncode == 2 and "holds data" in done.stderr and "--colourspace" not in done.stderr


def test_the_command_to_run_next_can_be_copied_where_a_folder_has_spaces(export):
    assert '-x "our shows/live.nk",' in export("--out", "our shows/live.pt").stdout
