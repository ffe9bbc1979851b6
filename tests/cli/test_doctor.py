"""`nuke-matting doctor`: what a ticket should hold, and what is wrong with each part of an installation."""

import hashlib
import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nuke_matting.cli import doctor as doctor_module
from nuke_matting.engine.cache import Cache, CachedMatte
from nuke_matting.models import registry
from nuke_matting.models.added import Record
from nuke_matting.settings import Settings


@pytest.fixture
def doctor(nuke_matting, weights):
    """Runs the doctor with quick weights; gives the exit code and its findings by name."""

    def run(*args):
        done = nuke_matting("doctor", "--json", "--device", "cpu", "--model", weights, *args)
        assert done.stderr == ""
        return done.returncode, {each["what"]: each for each in json.loads(done.stdout)}

    return run


def wrongs(found):
    return {name: each["wrong"] for name, each in found.items() if each["wrong"]}


def keep_a_matte(folder, key="abcd1234"):
    Cache(Path(folder), 10**9).put(key, CachedMatte(np.zeros((4, 6), np.float32), None, (), {}))
    return next((Path(folder) / "v1").glob("*/*.exr"))


def test_a_sound_installation_is_described_with_exit_code_0(doctor, weights):
    code, found = doctor()
    assert (code, wrongs(found)) == (0, {})
    assert {"nuke_matting", "python", "system", "torch", "OpenImageIO", "PyOpenColorIO", "numpy"} <= set(found)
    assert found["device in use"]["value"] == "cpu, fp32"
    assert "ocio://" in found["OCIO config"]["value"] and "built-in default" in found["OCIO config"]["value"]
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    assert digest[:16] in found["model in use"]["value"] and weights in found["model in use"]["value"]
    assert os.environ["NUKE_MATTING_CACHE"] in found["cache"]["value"]


def test_the_shipped_weights_are_named_with_their_digests(doctor):
    _, found = doctor()
    for name, path in registry.shipped_weights().items():
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] in found[f"weights {name}"]["value"]


def test_people_read_a_line_each_and_what_is_wrong_below(nuke_matting, weights):
    done = nuke_matting("doctor", "--device", "cuda:77", "--model", weights)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and done.stderr == ""
    assert all(line.startswith(("ok    ", "WRONG ", " " * 30)) for line in lines)
    at = next(number for number, line in enumerate(lines) if line.startswith("WRONG device in use"))
    assert "cuda:77" in lines[at + 1] and "--device cpu" in lines[at + 1]


@pytest.mark.parametrize(
    ("text", "says"), [("not a config", "cannot be read"), (None, "cannot be found")], ids=["broken", "missing"]
)
def test_a_broken_config_of_the_environment_is_named(doctor, monkeypatch, tmp_path, text, says):
    if text is not None:
        (tmp_path / "bad.ocio").write_text(text)
    monkeypatch.setenv("OCIO", str(tmp_path / "bad.ocio"))
    code, found = doctor()
    assert code == 1 and set(wrongs(found)) == {"OCIO config", "way to model space"}
    assert "bad.ocio" in found["OCIO config"]["wrong"] and "$OCIO" in found["OCIO config"]["wrong"]
    assert says in found["OCIO config"]["wrong"]


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_weights_that_cannot_be_used_are_named(doctor, weights, tmp_path, harm):
    bad = tmp_path / f"{harm}.safetensors"
    if harm == "cut":
        bad.write_bytes(Path(weights).read_bytes()[:9000])
    code, found = doctor("--model", str(bad))
    assert code == 1 and set(wrongs(found)) == {"model in use"}
    assert f"{harm}.safetensors" in found["model in use"]["wrong"] and "--model" in found["model in use"]["wrong"]


def test_a_package_without_its_weights_is_not_whole(doctor, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(registry, "shipped", lambda name: tmp_path / name)
    code, found = doctor()
    assert code == 1 and "install the package again" in found["weights in the package"]["wrong"]
    assert not found["model in use"]["wrong"]  # it was named by its path


def test_damaged_weights_of_the_package_are_named(doctor, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "two_stage.safetensors").write_bytes(b"damaged")
    monkeypatch.setattr(registry, "shipped", lambda name: tmp_path / name)
    code, found = doctor()
    assert code == 1 and "not a whole safetensors file" in found["weights two_stage"]["wrong"]


def test_the_cache_is_described_by_place_and_size(doctor, tmp_path):
    keep_a_matte(tmp_path / "cache")
    code, found = doctor("--cache-dir", tmp_path / "cache")
    assert code == 0 and f"{tmp_path / 'cache'}: 1 mattes" in found["cache"]["value"]


def test_a_cache_that_is_not_there_yet_is_well_and_is_not_made(doctor, tmp_path):
    code, found = doctor("--cache-dir", tmp_path / "deep" / "cache")
    assert code == 0 and "not there yet" in found["cache"]["value"]
    assert not (tmp_path / "deep").exists()


def test_a_cache_that_cannot_be_written_is_wrong(doctor, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    code, found = doctor("--cache-dir", tmp_path / "file" / "cache")
    assert code == 1 and set(wrongs(found)) == {"cache"}
    assert "cannot be written to" in found["cache"]["wrong"] and "--cache-dir" in found["cache"]["wrong"]


def test_without_a_home_the_doctor_says_how_to_name_a_cache(doctor, monkeypatch, tmp_path):
    pwd = pytest.importorskip("pwd")

    def nobody(user):
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "NUKE_MATTING_CACHE", "NUKE_MATTING_MODELS"):
        monkeypatch.delenv(name, raising=False)
    code, found = doctor()
    assert code == 1 and set(wrongs(found)) == {"cache"} and "name one with --cache-dir" in found["cache"]["wrong"]
    assert doctor("--cache-dir", tmp_path / "cache")[0] == 0


def test_a_read_only_cache_is_wrong(doctor, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no right to mount a read-only disk")
    try:
        code, found = doctor("--cache-dir", disk)
        assert code == 1 and "Read-only" in found["cache"]["wrong"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_foreign_files_in_the_cache_are_named_and_left(doctor, tmp_path):
    keep_a_matte(tmp_path / "cache")
    mine = tmp_path / "cache" / "v1" / "ab" / "notes.txt"
    mine.write_text("mine")
    code, found = doctor("--cache-dir", tmp_path / "cache")
    assert code == 1 and f"1 not of the cache ({mine})" in found["cache"]["wrong"]
    assert mine.read_text() == "mine"


def test_damage_that_was_set_aside_is_told(doctor, tmp_path):
    keep_a_matte(tmp_path / "cache").write_bytes(b"damaged")
    assert Cache(tmp_path / "cache", 10**9).get("abcd1234") is None
    code, found = doctor("--cache-dir", tmp_path / "cache")
    assert code == 1 and "1 damaged" in found["cache"]["wrong"] and "prune" in found["cache"]["wrong"]


def test_variables_that_matter_are_told_and_no_others(doctor, monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", "/mnt/jobs=J:/")
    monkeypatch.setenv("NUKE_PATH", "/studio/nuke")
    monkeypatch.setenv("STUDIO_TOKEN", "secret")
    _, found = doctor()
    assert (
        found["$NUKE_MATTING_PATH_MAP"]["value"] == "/mnt/jobs=J:/" and found["$NUKE_PATH"]["value"] == "/studio/nuke"
    )
    assert "$STUDIO_TOKEN" not in found and "$OCIO" not in found  # which is not set


def test_a_torch_without_gpu_support_is_wrong_beside_a_driver_unless_the_cpu_is_asked_for(monkeypatch):
    monkeypatch.setattr("torch.version.cuda", None)
    monkeypatch.setattr("torch.version.hip", None)

    def said(driver, device):
        monkeypatch.setattr(doctor_module, "_has_nvidia_driver", lambda: driver)
        return [each.wrong for each in doctor_module._devices(Settings(device=device)) if each.what == "GPU"]

    assert said(False, "auto") == said(True, "cpu") == []
    (wrong,) = said(True, "auto")
    assert "built without GPU support; install one that has" in wrong


def test_a_disk_that_is_nearly_full_is_wrong(doctor, monkeypatch):
    assert " GB free on its disk" in doctor()[1]["cache"]["value"]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0.2e9))
    code, found = doctor()
    assert code == 1 and "0.2 GB free" in found["cache"]["value"] and "nearly full" in found["cache"]["wrong"]


def test_added_models_are_named_with_their_digests_and_checked(doctor):
    folder, data = Path(os.environ["NUKE_MATTING_MODELS"]), b"a network"
    digest = hashlib.sha256(data).hexdigest()
    record = Record(
        "theirs",
        "rvm",
        "torchscript",
        "theirs.torchscript",
        "rvm.pt",
        digest,
        len(data),
        "",
        0,
        "fp32",
        1,
        1.0,
        1.0,
        1.0,
    )
    (folder / record.file).write_bytes(data)
    (folder / "theirs.json").write_text(json.dumps(asdict(record)))
    code, found = doctor()
    assert code == 0 and digest[:16] in found["added model theirs"]["value"]
    (folder / record.file).write_bytes(b"another's")
    assert "its SHA-256 is another" in doctor()[1]["added model theirs"]["wrong"]


def test_whatever_a_library_raises_is_a_finding(doctor, monkeypatch):
    def fail(*args):
        raise RuntimeError("the driver\nis ill")

    monkeypatch.setattr("nuke_matting.cli.doctor.choose_device", fail)
    code, found = doctor()
    assert code == 1 and found["device in use"]["wrong"] == "unexpected RuntimeError: the driver is ill"
