"""Models by name or path, and what they run on."""

import hashlib
from pathlib import Path

import pytest
import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models import registry
from nuke_matting.models.added import Record
from nuke_matting.models.registry import choose_device, choose_precision, find_weights, load_model, shipped_weights
from nuke_matting.models.weights import load_weights, save_weights


def test_the_default_model_ships():
    assert find_weights("two_stage") == shipped_weights()["two_stage"]


def test_a_path_is_taken_as_a_path(weights):
    assert str(find_weights(weights)) == weights


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(ModelError, match="did you mean two_stage"):
        find_weights("twostage")


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ModelError, match="no such weight file"):
        find_weights(str(tmp_path / "no.safetensors"))


def test_weights_for_an_unknown_network_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, torch.nn.Linear(2, 2), {"architecture": "seven_stage", "name": "x"})
    with pytest.raises(ModelError, match="seven_stage"):
        load_model(str(path), "cpu", "auto")


def test_a_gpu_that_is_not_there_is_said_not_replaced():
    absent = torch.cuda.device_count() if torch.cuda.is_available() else 0
    with pytest.raises(UsageError, match="--device cpu"):
        choose_device(f"cuda:{absent}")


def test_an_apple_gpu_whose_torch_cannot_resize_there_is_not_taken(monkeypatch):
    def lacking(*args):
        raise NotImplementedError("aten::_upsample_bilinear2d_aa.out is not currently implemented for the MPS device")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", lambda *size, device: torch.ones(size))  # there is no such device here
    assert choose_device("auto") == choose_device("mps") == "mps"
    monkeypatch.setattr(registry, "area", lacking)
    assert choose_device("auto") == "cpu"
    with pytest.raises(UsageError, match=r"torch 2\.7 or later"):
        choose_device("mps")


def test_auto_precision_is_exact_on_the_cpu_and_half_on_gpus():
    assert choose_precision("auto", "cpu") == "fp32"
    assert choose_precision("auto", "cuda:0") == choose_precision("auto", "mps") == "fp16"


def test_half_floats_are_refused_on_the_cpu():
    with pytest.raises(UsageError, match="bf16"):
        choose_precision("fp16", "cpu")


def test_a_model_carries_its_weights_name_and_digest(weights):
    model = load_model(weights, "cpu", "auto")
    assert (model.name, model.device, model.precision) == ("quick", "cpu", "fp32")
    assert model.digest == load_weights(find_weights(weights)).digest


class TestAdded:
    """Weights of ours in the folder of added models, and their record."""

    @pytest.fixture
    def add(self, weights, tmp_path, monkeypatch):
        """add(kind, format) -> the file that was added as `mine`."""
        monkeypatch.setenv("NUKE_MATTING_MODELS", str(tmp_path))

        def write(kind="two_stage", form="safetensors"):
            data, path = Path(weights).read_bytes(), tmp_path / "mine.file"
            about = {"name": "mine", "kind": kind, "format": form, "file": path.name, "source": "x", "licence": ""}
            about |= {"digest": hashlib.sha256(data).hexdigest(), "size": len(data), "warm_up": 0, "precision": "fp32"}
            about |= {"parameters": 1, "gmacs_512": 1.0, "gmacs_hd": 1.0, "gmacs_4k": 1.0}
            (tmp_path / "mine.json").write_bytes(Record(**about).text())
            path.write_bytes(data)
            return path

        return write

    def test_one_that_is_no_more_what_was_added_is_refused(self, add, aided_weights):
        path = add()
        assert load_model("mine", "cpu", "fp32").name == "quick"
        path.write_bytes(Path(aided_weights).read_bytes())
        with pytest.raises(ModelError, match="SHA-256"):
            load_model("mine", "cpu", "fp32")

    def test_one_of_a_network_of_a_later_version_is_refused(self, add):
        add(kind="yet_to_come", form="torchscript")
        with pytest.raises(ModelError, match="yet_to_come"):
            load_model("mine", "cpu", "fp32")
