"""Weight files: whole, known and fitting, or a clear error."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from nuke_matting.errors import ModelError, OutputError
from nuke_matting.models.registry import choose_precision, load_model
from nuke_matting.models.weights import fill, load_weights, save_weights

ABOUT = {"architecture": "two_stage", "name": "tiny"}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


@pytest.fixture
def path(tmp_path, net):
    save_weights(tmp_path / "w.safetensors", net, ABOUT)
    return tmp_path / "w.safetensors"


def test_weights_come_back_as_half_floats(path, net):
    loaded = load_weights(path)
    assert loaded.metadata["name"] == "tiny"
    assert loaded.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    before = net[0].weight.detach().half().float()
    torch.nn.init.zeros_(net[0].weight)
    fill(net, loaded)
    assert torch.equal(net[0].weight, before) and net[0].weight.dtype == torch.float32


def test_a_networks_memory_format_makes_no_other_weights(tmp_path):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(8, 32, 1), torch.nn.Conv2d(32, 32, 1), torch.nn.Conv2d(32, 1, 3))
    save_weights(tmp_path / "one", net, ABOUT)
    save_weights(tmp_path / "other", net.to(memory_format=torch.channels_last), ABOUT)
    one, other = (load_weights(tmp_path / name) for name in ("one", "other"))
    assert one.metadata["digest"] == other.metadata["digest"]
    assert all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())


def test_a_file_that_another_one_replaces_meanwhile_is_not_taken_for_it(path, net, monkeypatch):
    before, real = path.read_bytes(), Path.read_bytes

    def read_bytes(file):
        data = real(file)
        save_weights(file, torch.nn.Linear(2, 1), ABOUT)
        return data

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    loaded = load_weights(path)
    assert loaded.digest == hashlib.sha256(before).hexdigest() and set(loaded.tensors) == set(net.state_dict())


def test_nothing_is_left_beside_the_file(path):
    assert [each.name for each in path.parent.iterdir()] == ["w.safetensors"]


def test_a_write_that_fails_is_said_and_leaves_the_weights_before_it(path, net, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    torch.nn.init.zeros_(net[0].weight)
    with pytest.raises(OutputError, match=r"w\.safetensors: cannot be written: the disk is full"):
        save_weights(path, net, ABOUT)
    assert path.read_bytes() == before and [each.name for each in path.parent.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 8 + b"{}", b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_weight_file_is_refused(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.safetensors.*--model"):
        load_weights(path)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.complex64])
def test_numbers_that_no_network_takes_are_refused_by_name(tmp_path, dtype):
    save_file({"a": torch.ones(3), "b": torch.ones(3).to(dtype)}, tmp_path / "w.safetensors", ABOUT)
    with pytest.raises(ModelError, match=rf"w\.safetensors.*{str(dtype)[6:]}.*save them as fp16"):
        load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_plain_and_whole_numbers_of_any_width_are_read(tmp_path, dtype):
    save_file({"a": torch.ones(3).to(dtype)}, tmp_path / "w.safetensors", ABOUT)
    assert load_weights(tmp_path / "w.safetensors").tensors["a"].dtype == dtype


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
def test_a_flipped_byte_is_found(path, at, value):
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= value
    bad = path.parent / "bad.safetensors"
    bad.write_bytes(data)
    try:
        load_weights(bad)
    except ModelError:
        return
    assert b"tiny" not in data or int(at * len(data)) < 800  # the header's own spelling, which changes no value


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError):
        load_weights(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        load_weights(tmp_path / "no.safetensors")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "nul\0", "long" * 100])
def test_a_name_that_no_line_of_a_log_can_hold_is_refused(tmp_path, net, name):
    save_weights(tmp_path / "w.safetensors", net, {**ABOUT, "name": name})
    with pytest.raises(ModelError, match="is no name of a model") as told:
        load_weights(tmp_path / "w.safetensors")
    assert str(told.value).isprintable() and len(str(told.value)) < 400


def test_a_file_of_another_kind_is_said(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="does not say which network"):
        load_weights(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda tensors: tensors.pop("0.bias"), "missing"),
        (lambda tensors: tensors.update(more=torch.zeros(1)), "unknown"),
        (lambda tensors: tensors.update({"0.bias": torch.zeros(5)}), "another shape"),
        (lambda tensors: tensors.update({"0.bias": torch.full((4,), float("nan"))}), "not finite"),
        (lambda tensors: tensors.update({"0.bias": torch.full((4,), 1e300, dtype=torch.float64)}), "not finite"),
    ],
)
def test_weights_that_do_not_fit_say_how(tmp_path, net, spoil, says):
    tensors = {name: value.clone() for name, value in net.state_dict().items()}
    spoil(tensors)
    save_file(tensors, tmp_path / "w.safetensors", ABOUT)
    with pytest.raises(ModelError, match=says):
        fill(net, load_weights(tmp_path / "w.safetensors"))


def test_an_unknown_network_is_said(tmp_path, net):
    save_weights(tmp_path / "w.safetensors", net, {"architecture": "three_stage", "name": "x"})
    with pytest.raises(ModelError, match=r"three_stage.*two_stage"):
        load_model(str(tmp_path / "w.safetensors"), "cpu", "fp32")


def test_auto_precision_is_exact_on_a_cpu_and_fast_on_a_gpu():
    assert choose_precision("auto", "cpu") == "fp32"
    assert choose_precision("auto", "cuda:0") == "fp16"


def test_the_shipped_weights_are_small_and_say_what_they_are():
    from nuke_matting.models.registry import shipped_weights

    path = shipped_weights()["two_stage"]
    assert path.stat().st_size < 25e6
    about = load_weights(path).metadata
    assert {"name", "version", "digest", "licence", "training"} <= set(about)
    assert Path(path).with_suffix(".md").exists()
