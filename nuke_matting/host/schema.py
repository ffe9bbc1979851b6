"""Checks JSON data against a JSON Schema: the few keywords that the protocol's schema uses, and no others.

type, enum, required, properties, additionalProperties (false), items, minLength, pattern (of the whole text), minimum,
maximum, $ref.
`title`, `description` and `default` say nothing to a checker.
"""

import re

from .wire import BadMessage

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def check(value, schema, resolve, where="message"):
    """Raises BadMessage, naming the field, where a value does not fit a schema.

    resolve : gives the schema that a `$ref` means. where : what the value is called in the error.
    """
    if "$ref" in schema:
        check(value, resolve(schema["$ref"]), resolve, where)
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise BadMessage("{} must be {}".format(where, " or ".join(kinds)))
    if "enum" in schema and value not in schema["enum"]:
        raise BadMessage("{} must be {}".format(where, " or ".join(map(repr, schema["enum"]))))
    if isinstance(value, dict):
        _check_object(value, schema, resolve, where)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check(item, schema.get("items", {}), resolve, f"{where}[{number}]")
    elif isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            raise BadMessage(f"{where} is too short")
        if "pattern" in schema and not re.fullmatch(schema["pattern"], value):  # to Python a $ is before a last \n too
            raise BadMessage("{} is not of the form {}".format(where, schema["pattern"]))
    elif isinstance(value, (int, float)):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            raise BadMessage("{} is outside {}..{}".format(where, schema.get("minimum", ""), schema.get("maximum", "")))


def _is(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    # a float that is not finite is no JSON, though 1e999 is read as one
    return isinstance(value, _TYPES[kind]) and not (isinstance(value, float) and abs(value) == float("inf"))


def _check_object(value, schema, resolve, where):
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise BadMessage(f"{where} lacks {name!r}")
    for name, item in value.items():
        if name in known:
            check(item, known[name], resolve, name if where == "message" else f"{where}.{name}")
        elif not schema.get("additionalProperties", True):
            raise BadMessage(f"{where} has an unknown field {name[:64]!r}")
