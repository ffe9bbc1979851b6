"""`nuke-matting model`, and third-party models, as a user runs it."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from nuke_matting.cli.app import main
from nuke_matting.models.about import about
from nuke_matting.models.registry import shipped_weights
from nuke_matting.models.weights import LICENCES_BEFORE, save_weights
from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.plate.reader import read_matte
from nuke_matting.worker.serve import hello

_spec = importlib.util.spec_from_file_location("peers", Path(__file__).parent.parent / "models" / "peers.py")
peers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(peers)

ADDED = ("rvm", "bgmv2", "modnet")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    peers.torchscript(peers.Rvm(), folder / "rvm.torchscript")
    peers.bgmv2_onnx(folder / "bgmv2.onnx", torch.nn.Conv2d(6, 1, 3))
    peers.modnet_onnx(folder / "modnet.onnx")
    return folder


@pytest.fixture(scope="module")
def shelf(files, tmp_path_factory):
    """A models folder that one of each kind was added to, by the command line."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUKE_MATTING_MODELS", str(folder))
        for file in ("rvm.torchscript", "bgmv2.onnx", "modnet.onnx"):
            assert main(["model", "add", str(files / file), "--licence", f"of {file}", "--warm-up", "3"]) == 0
    return folder


@pytest.fixture
def added(shelf, monkeypatch, own_cache):
    monkeypatch.setenv("NUKE_MATTING_MODELS", str(shelf))
    return shelf


@pytest.fixture
def copied(shelf, monkeypatch, own_cache, tmp_path):
    """The same, to be spoilt."""
    folder = tmp_path / "models"
    folder.mkdir()
    for path in shelf.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("NUKE_MATTING_MODELS", str(folder))
    return folder


def frames(done):
    return {each["frame"]: each for each in map(json.loads, done.stdout.splitlines()) if each["event"] == "frame"}


@pytest.mark.parametrize("model", ADDED)
def test_an_added_file_mattes_a_plate(nuke_matting, make_plate, added, tmp_path, model):
    plate = make_plate(range(1001, 1004))
    clean = make_plate([1001], name="clean") % 1001
    done = nuke_matting("matte", plate, "--model", model, "--clean-plate", clean, "--fg", "--out", "o.####.exr")
    assert done.returncode == 0, done.stderr
    alphas = [read_matte(tmp_path / f"o.{frame}.exr", frame)[0] for frame in range(1001, 1004)]
    assert all(each.shape == (36, 64) and each.min() >= 0 and each.max() <= 1 for each in alphas)
    assert not np.array_equal(alphas[0], alphas[1])


def test_a_recurrent_model_gives_the_same_pixels_for_a_frame_alone_and_says_that_it_is_warmed_up(
    nuke_matting, make_plate, added, tmp_path
):
    command = ("matte", make_plate(range(1001, 1009)), "--model", "rvm", "--json", "--no-cache")
    nuke_matting(*command, "--out", "all.####.exr")
    alone = frames(nuke_matting(*command, "--frames", "1007", "--out", "one.####.exr"))
    assert (
        read_matte(tmp_path / "one.1007.exr", 0)[0].tobytes() == read_matte(tmp_path / "all.1007.exr", 0)[0].tobytes()
    )
    assert any("recurrent" in note for note in alone[1007]["notes"])


def test_a_model_that_needs_a_clean_plate_says_so_before_it_starts(nuke_matting, make_plate, added):
    done = nuke_matting("matte", make_plate([1001]), "--model", "bgmv2")
    assert done.returncode == 2 and "--clean-plate" in done.stderr.splitlines()[-1]


def test_the_worker_offers_them_to_the_node(added):
    assert {*ADDED, "two_stage"} <= set(hello()["models"])


def test_list_names_every_model(nuke_matting, added):
    told = {each["name"]: each for each in json.loads(nuke_matting("model", "list", "--json").stdout)}
    assert {*ADDED, *shipped_weights()} == set(told)
    assert told["modnet"]["licence"] == "of modnet.onnx" and told["two_stage"]["origin"] == "shipped"
    assert all(name in nuke_matting("model", "list").stdout for name in told)


@pytest.mark.parametrize(
    ("model", "parameters", "macs"),
    [("rvm", 4 * 28, 4 * 27), ("bgmv2", 6 * 9 + 1 + 1 + 8, 6 * 9 / 4), ("modnet", 28, 27)],  # 8: two resizings' scales
)
def test_show_tells_what_a_model_is_and_costs(nuke_matting, added, model, parameters, macs):
    told = json.loads(nuke_matting("model", "show", model, "--json").stdout)
    assert told["parameters"] == parameters
    assert told["gmacs_512"] == pytest.approx(512 * 512 * macs / 1e9, abs=1e-3)
    assert {"task", "inputs", "licence", "digest", "gmacs_hd", "gmacs_4k", "path"} <= set(told)
    assert told["warm_up"] == (3 if model == "rvm" else 0)


def test_the_licence_of_what_weights_were_learnt_from_is_shown_with_their_own(tmp_path):
    path = tmp_path / "own.safetensors"
    metadata = {"architecture": "memory", "name": "own", "licence": "ours", LICENCES_BEFORE: "CC BY-NC 4.0"}
    save_weights(path, MemoryNetwork(), metadata)
    assert about(str(path)).licence == "ours (learnt from weights of: CC BY-NC 4.0)"


def test_show_counts_what_ships(nuke_matting):
    told = json.loads(nuke_matting("model", "show", "two_stage", "--json").stdout)
    assert 10e6 < told["parameters"] < 11e6 and told["gmacs_512"] < told["gmacs_hd"] < 14 < told["gmacs_4k"] < 17
    assert "GMACs" in nuke_matting("model", "show", "two_stage").stdout


def test_verify_finds_a_file_that_was_changed_and_matte_refuses_it(nuke_matting, make_plate, copied):
    assert nuke_matting("model", "verify").returncode == 0
    path = next(copied.glob("modnet*.onnx"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = nuke_matting("model", "verify", "--json")
    wrong = {each["name"]: each["wrong"] for each in json.loads(done.stdout)}
    assert done.returncode == 1 and "SHA-256" in wrong["modnet"] and not wrong["rvm"]
    done = nuke_matting("matte", make_plate([1001]), "--model", "modnet")
    assert done.returncode == 2 and "SHA-256" in done.stderr


def test_a_record_that_is_damaged_costs_that_model_alone(nuke_matting, copied):
    (copied / "rvm.json").write_text("{}")
    assert "rvm" not in {each["name"] for each in json.loads(nuke_matting("model", "list", "--json").stdout)}
    assert nuke_matting("model", "remove", "rvm").returncode == 0


def test_a_removed_model_is_gone_with_its_file(nuke_matting, make_plate, copied):
    assert nuke_matting("model", "remove", "modnet").returncode == 0
    assert not list(copied.glob("modnet*"))
    done = nuke_matting("matte", make_plate([1001]), "--model", "modnet")
    assert done.returncode == 2 and "no model is called" in done.stderr


def test_export_writes_the_file_and_a_card(nuke_matting, added, tmp_path):
    for model, suffix in (("modnet", "onnx"), ("two_stage", "safetensors")):
        assert nuke_matting("model", "export", model, "--out", "out").returncode == 0
        card = (tmp_path / "out" / f"{model}.md").read_text()
        assert card.startswith(f"# {model}") and (tmp_path / "out" / f"{model}.{suffix}").stat().st_size > 100
    assert "of modnet.onnx" in (tmp_path / "out" / "modnet.md").read_text()
    done = nuke_matting("model", "export", "modnet", "--out", "out")
    assert done.returncode == 2 and "--overwrite" in done.stderr


def test_weights_of_ours_are_added_too(nuke_matting, weights, make_plate):
    assert nuke_matting("model", "add", weights, "--name", "mine", "--licence", "ours").returncode == 0
    done = nuke_matting("matte", make_plate([1001]), "--model", "mine", "--region-batch", 50)
    assert done.returncode == 0, done.stderr


class TestRefused:
    """Exit code 2, one line, and nothing added."""

    def refused(self, nuke_matting, *command, says):
        before = sorted(Path(os.environ["NUKE_MATTING_MODELS"]).glob("*"))
        done = nuke_matting("model", *command)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert says in done.stderr
        assert sorted(Path(os.environ["NUKE_MATTING_MODELS"]).glob("*")) == before

    def test_a_name_that_ships(self, nuke_matting, files):
        self.refused(nuke_matting, "add", files / "modnet.onnx", "--name", "two_stage", says="another --name")

    @pytest.mark.parametrize("name", ["../up", "-x", "a/b", ".hidden", "a" * 65])
    def test_a_name_that_is_none(self, nuke_matting, files, name):
        self.refused(nuke_matting, "add", files / "modnet.onnx", f"--name={name}", says="no name for a model")

    def test_a_file_that_is_not_there(self, nuke_matting):
        self.refused(nuke_matting, "add", "no.onnx", says="cannot be read")

    def test_a_name_that_is_taken_by_another_file(self, nuke_matting, files, added):
        self.refused(nuke_matting, "add", files / "bgmv2.onnx", "--name", "modnet", says="model remove modnet")

    def test_a_file_of_another_network_than_it_is_said_to_be(self, nuke_matting, files):
        self.refused(nuke_matting, "add", files / "modnet.onnx", "--kind", "bgmv2", says="network failed")

    def test_a_file_whose_trial_does_not_end(self, nuke_matting, files):
        self.refused(nuke_matting, "add", files / "modnet.onnx", "--timeout", 1, says="--timeout")

    def test_removing_what_ships(self, nuke_matting):
        self.refused(nuke_matting, "remove", "two_stage", says="comes with the package")

    def test_removing_what_is_not_there(self, nuke_matting):
        self.refused(nuke_matting, "remove", "../x", says="was added")
