"""The protocol's schema, and the check of messages against it."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nuke_matting import host
from nuke_matting.errors import PlateError, UsageError
from nuke_matting.host import protocol
from nuke_matting.host.protocol import check_event, check_request, error_event, sentence, setting_schemas
from nuke_matting.host.wire import BadMessage
from nuke_matting.settings import Settings, options
from nuke_matting.worker.settings_schema import FILE, settings_schema

FOLDER = Path(host.__file__).parent
SCHEMA = json.loads((FOLDER / "protocol.schema.json").read_text())
SAYS_NOTHING = {"title", "description", "default"}
CHECKED = {"type", "enum", "required", "properties", "additionalProperties", "items", "$ref"}
CHECKED |= {"minLength", "pattern", "minimum", "maximum"}
MATTE = {"type": "matte", "id": "1", "plate": "p.####.exr"}


def schemas(schema):
    """Every schema within a schema."""
    yield schema
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from schemas(part)


def test_the_settings_part_is_made_from_the_settings():
    told = "run python -m nuke_matting.worker.settings_schema"
    assert json.loads(FILE.read_text()) == settings_schema(), told
    assert list(setting_schemas()) == list(options())


def test_the_schema_uses_only_what_the_checker_knows():
    kinds = {**SCHEMA["$defs"]["requests"], **SCHEMA["$defs"]["events"], "settings": settings_schema()}
    for name, kind in kinds.items():
        for schema in schemas(kind):
            assert set(schema) <= CHECKED | SAYS_NOTHING, name


def test_the_schema_lists_every_message_and_its_version():
    listed = [each["$ref"].removeprefix("#/$defs/") for each in SCHEMA["anyOf"]]
    assert listed == [f"{way}/{name}" for way in ("requests", "events") for name in SCHEMA["$defs"][way]]
    assert SCHEMA["title"].endswith(f"protocol {protocol.PROTOCOL}")
    for way in ("requests", "events"):
        for name, kind in SCHEMA["$defs"][way].items():
            assert kind["properties"]["type"]["enum"] == [name]


@given(st.fixed_dictionaries({}, optional={
    name: st.sampled_from(option.choices) if option.choices
    else st.just(default) if isinstance(default, str)
    else st.booleans() if isinstance(default, bool)
    else st.one_of(st.integers(-2, 70), st.floats(-1, 1e7))
    for name, (default, option) in options().items()
}))  # fmt: skip
def test_the_schema_takes_the_settings_that_the_tool_takes(given_settings):
    black, white = given_settings.get("black_point", 0), given_settings.get("white_point", 1)
    assume(not 0 <= white <= black <= 1)  # a schema knows each alone
    try:
        check_request({**MATTE, "settings": given_settings})
    except BadMessage:
        with pytest.raises(UsageError):
            Settings(**given_settings)
    else:
        Settings(**given_settings)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "matter"}, {"type": None}, {"type": ["matte"]}, {"id": 1}, {"id": ""}, {"id": "a b"}, {"id": "x" * 65},
        {"plate": ""}, {"plate": 3}, {"frames": 1001}, {"view": "1001"}, {"view": True}, {"view": 1e30}, {"view": 1.5},
        {"priority": 101}, {"compute": 1}, {"settings": []}, {"settings": {"regions": True}}, {"settings": {"foo": 1}},
        {"settings": {"regions": -1}}, {"settings": {"device": "tpu"}}, {"out": None}, {"unknown": 1},
    ],
)  # fmt: skip
def test_a_request_that_does_not_fit_is_refused(change):
    check_request(MATTE)
    with pytest.raises(BadMessage):
        check_request({**MATTE, **change})


def test_an_event_may_have_fields_of_a_newer_worker():
    check_event({"type": "ok", "id": "1", "mood": "fine"})
    with pytest.raises(BadMessage, match="lacks 'frame'"):
        check_event({"type": "frame", "id": "1"})


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers())))
def test_any_object_is_a_message_or_is_refused(message):
    for check in (check_request, check_event):
        with pytest.raises(BadMessage):
            check(message)


def test_an_error_reads_as_everywhere_else():
    error = PlateError("it is damaged", path="/a/b.exr", frame=7, advice="render it anew")
    event = error_event("1", error.kind, error.what, error.advice, error.frame, error.path)
    check_event(event)
    assert sentence(event) == str(error)


@pytest.mark.parametrize("wrong", [{"id": "1\n"}, {"settings": {"device": "cpu\n"}}, {"settings": {"layer": "a.A\n"}}])
def test_a_line_feed_after_a_text_that_fits_does_not_fit(wrong):
    with pytest.raises(BadMessage, match="is not of the form"):
        check_request({**MATTE, **wrong})
