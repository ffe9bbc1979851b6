"""Models by name or path, and what they run on."""

import pytest
import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models import registry
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
