"""Which OCIO config is taken, in which order, and what is said when it cannot be."""

import pytest

from nuke_matting.colour.config import DEFAULT_CONFIG, load_config
from nuke_matting.errors import ColourError
from nuke_matting.resources import shipped

MINIMAL = """ocio_profile_version: 2
name: {name}
roles: {{default: lin, scene_linear: lin}}
file_rules:
  - !<Rule> {{name: Default, colorspace: default}}
displays:
  d:
    - !<View> {{name: v, colorspace: lin}}
colorspaces:
  - !<ColorSpace> {{name: lin}}
"""


def write(path, name):
    path.write_text(MINIMAL.format(name=name))
    return str(path)


@pytest.fixture(autouse=True)
def no_config_in_the_environment(monkeypatch):
    monkeypatch.delenv("OCIO", raising=False)


def test_what_the_user_names_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OCIO", write(tmp_path / "environment.ocio", "environment"))
    config, origin = load_config(write(tmp_path / "user.ocio", "user"))
    assert config.getName() == "user"
    assert origin == f"{tmp_path / 'user.ocio'} (--ocio)"


def test_the_environment_comes_before_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("OCIO", write(tmp_path / "environment.ocio", "environment"))
    config, origin = load_config()
    assert config.getName() == "environment"
    assert origin.endswith("environment.ocio ($OCIO)")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_either_it_is_the_built_in_default(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("OCIO", value)
    config, origin = load_config("")
    assert config.getName() == DEFAULT_CONFIG.removeprefix("ocio://")
    assert origin == f"{DEFAULT_CONFIG} (built-in default)"


def test_a_built_in_config_can_be_named_by_its_uri(monkeypatch):
    name = "cg-config-v4.0.0_aces-v2.0_ocio-v2.5"
    assert load_config(f"ocio://{name}")[0].getName() == name
    monkeypatch.setenv("OCIO", f"ocio://{name}")
    assert load_config()[0].getName() == name


def test_the_readme_names_the_default():
    assert DEFAULT_CONFIG in shipped("ocio/README.md").read_text(encoding="utf-8")


def test_an_edited_config_is_read_again(tmp_path):
    path = tmp_path / "config.ocio"
    assert load_config(write(path, "before"))[0].getName() == "before"
    assert load_config(write(path, "after it"))[0].getName() == "after it"


def test_an_unchanged_config_is_read_once(tmp_path):
    path = write(tmp_path / "config.ocio", "once")
    assert load_config(path)[0] is load_config(path)[0]


def test_a_missing_config_of_the_environment_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OCIO", str(tmp_path / "gone.ocio"))
    with pytest.raises(ColourError) as caught:
        load_config()
    assert str(tmp_path / "gone.ocio") in str(caught.value)
    assert "$OCIO" in str(caught.value)
    assert DEFAULT_CONFIG in caught.value.advice


@pytest.mark.parametrize("text", ["", "hello: [", "ocio_profile_version: 99\n", MINIMAL.format(name="x")[:150]])
def test_a_broken_config_is_an_error_that_names_it(tmp_path, text):
    path = tmp_path / "broken.ocio"
    path.write_text(text)
    with pytest.raises(ColourError) as caught:
        load_config(str(path))
    assert caught.value.path == str(path)
    assert "--ocio" in caught.value.advice
    assert "\n" not in str(caught.value)


def test_a_folder_is_an_error_that_names_the_config_inside(tmp_path):
    write(tmp_path / "config.ocio", "inside")
    with pytest.raises(ColourError, match="is a folder") as caught:
        load_config(str(tmp_path))
    assert str(tmp_path / "config.ocio") in caught.value.advice


def test_an_unknown_built_in_config_is_an_error_that_lists_those_there_are():
    with pytest.raises(ColourError) as caught:
        load_config("ocio://cg-config-v9")
    assert caught.value.path == "ocio://cg-config-v9"
    assert DEFAULT_CONFIG in caught.value.advice


def test_a_name_that_no_file_can_have_is_an_error_and_no_fault():
    with pytest.raises(ColourError, match="cannot be found"):
        load_config("x" * 5000)


def test_a_config_in_the_home_of_nobody_cannot_be_found():
    with pytest.raises(ColourError, match="cannot be found"):
        load_config("~nobody-of-this-name/config.ocio")
