"""The settings' part of the protocol's schema, made from `settings.py`.

`python -m nuke_matting.worker.settings_schema` writes it beside the host's files; a test tells when that was forgotten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nuke_matting import host
from nuke_matting.settings import Option, options

FILE = Path(host.__file__).with_name("settings.schema.json")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def settings_schema() -> dict[str, Any]:
    """JSON Schema of `settings` in a request: every one may be left out, none may be invented."""
    return {
        "type": "object",
        "description": "choices for the shot; what is left out has its default",
        "additionalProperties": False,
        "properties": {name: _schema(default, option) for name, (default, option) in options().items()},
    }


def _schema(default: Any, option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[type(default)], "default": default, "description": option.help}
    if option.unit:
        schema["description"] += f" ({option.unit})"
    if option.choices:
        schema["enum"] = list(option.choices)
    if option.pattern:
        schema["pattern"] = f"^(?:{option.pattern})$"
    if option.minimum is not None:
        schema["minimum"] = option.minimum
    if option.maximum is not None:
        schema["maximum"] = option.maximum
    return schema


def main() -> None:
    """Brings the file up to date."""
    FILE.write_text(json.dumps(settings_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
