"""Recipes: a YAML file a model, read into the values of `stages`. A recipe says everything; there are no defaults.

What is wrong is reported in one line that names the file, the key and what may have been meant.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Hashable
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from nuke_matting.errors import UsageError
from nuke_matting.nets.two_stage import STRIDE
from nuke_matting.training.stages import Among, Recipe, Stage, Within, shipped_recipes
from nuke_matting.training.students import MODELS

LONGEST = 8192  # pixels of a side

T = TypeVar("T")


def load_recipe(name: str) -> Recipe:
    """The recipe of a file, or one that comes with the package, by its name (`two_stage`). Raises UsageError."""
    path = _path(name)
    try:
        found = yaml.load(path.read_bytes(), _Loader)
    except OSError as error:
        raise UsageError(
            f"the recipe cannot be read ({error.strerror or error})", path=path, advice="check the path"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UsageError(f"{where}{error.problem}", path=path, advice="correct the YAML") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"is no YAML text ({error})", path=path, advice="give a recipe") from error
    return _Reader(path).recipe(found)


def _path(name: str) -> Path:
    known = shipped_recipes()
    if name in known and not Path(name).is_file():
        return known[name]
    path = Path(os.path.expanduser(name))
    if not path.exists():
        advice = _near(name, known) or f"give a file, or one of {', '.join(known)}"
        raise UsageError("there is no such recipe", path=path, advice=advice)
    return path


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which takes the last of equal keys; this one takes none of them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key in (each for each, _ in node.value if isinstance(each, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Reader:
    """Makes values of what a file holds; `key` is the way to each: `stages.small.rate`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def recipe(self, found: Any) -> Recipe:
        """The whole file, as the kind of recipe that its model has."""
        if not isinstance(found, dict):
            raise self._wrong("", f"is {_kind(found)}, not keys with values", "give a recipe")
        if "model" not in found:
            raise self._wrong("model", "is missing", f"name one of {', '.join(MODELS)}")
        model = found["model"]
        if not isinstance(model, str) or model not in MODELS:
            near = _near(model, MODELS) if isinstance(model, str) else ""
            raise self._wrong("model", f"{_kind(model)} is not known", near or f"name one of {', '.join(MODELS)}")
        return self.section(MODELS[model].kind, found, "")

    def section(self, kind: type[T], found: Any, key: str) -> T:
        """A dataclass of a mapping, which must have each of its fields and nothing else."""
        kinds = get_type_hints(kind, include_extras=True)
        names = list(kinds)
        if not isinstance(found, dict):
            raise self._wrong(key, f"is {_kind(found)}, not keys with values", f"it needs {', '.join(names)}")
        for name in found:
            if name not in names:
                raise self._wrong(_join(key, name), "unknown key", _near(str(name), names) or f"use {', '.join(names)}")
        for name in names:
            if name not in found:
                raise self._wrong(_join(key, name), "is missing", "add it")
        return kind(**{name: self._value(each, found[name], _join(key, name)) for name, each in kinds.items()})

    def _value(self, kind: Any, found: Any, key: str) -> Any:
        """A field's value. kind : as it is annotated."""
        if get_origin(kind) is Annotated:
            kind, held = get_args(kind)
            return self._choice(found, key, held) if isinstance(held, Among) else self._number(kind, found, key, held)
        if isinstance(kind, type) and is_dataclass(kind):
            return self.section(kind, found, key)
        if kind is bool:
            if not isinstance(found, bool):
                raise self._wrong(key, f"is {_kind(found)}", "write true or false")
            return found
        if kind is str:
            return found  # the model, which chose the kind of recipe
        return self._stages(found, key) if key == "stages" else self._sizes(found, key)

    def _choice(self, found: Any, key: str, among: Among) -> int | str:
        values = among.values
        if isinstance(found, bool) or found not in values:
            names = [str(each) for each in values]
            raise self._wrong(
                key, f"{_kind(found)} is not known", _near(str(found), names) or f"use {', '.join(names)}"
            )
        return values[values.index(found)]  # 2.0 is 2

    def _number(self, kind: type, found: Any, key: str, within: Within) -> float:
        value = found
        if kind is float and isinstance(found, str):
            with suppress(ValueError):
                value = float(found)  # YAML 1.1 takes 4e-4, which has no point, for text
        if isinstance(value, bool) or not isinstance(value, int | float) or (kind is int and value % 1 != 0):
            raise self._wrong(key, f"is {_kind(found)}", f"write a {'whole ' if kind is int else ''}number")
        if not within.least <= value <= within.most:
            raise self._wrong(key, f"is {value}", f"write a number from {within.least:g} to {within.most:g}")
        return kind(value)

    def _stages(self, found: Any, key: str) -> dict[str, Stage]:
        if not isinstance(found, dict) or not found:
            raise self._wrong(key, f"is {_kind(found)}", "name at least one stage")
        for name in found:
            if not isinstance(name, str):
                raise self._wrong(_join(key, name), f"is {_kind(name)}", "a stage's name is a word")
        return {name: self.section(Stage, stage, _join(key, name)) for name, stage in found.items()}

    def _sizes(self, found: Any, key: str) -> tuple[tuple[int, int], ...]:
        if not isinstance(found, list) or not found:
            raise self._wrong(key, f"is {_kind(found)}", "write [[height, width], ...]")
        for size in found:
            if (
                not isinstance(size, list)
                or len(size) != 2
                or not all(isinstance(side, int) and 0 < side <= LONGEST and side % STRIDE == 0 for side in size)
            ):
                raise self._wrong(key, f"{size} is no size", f"write [height, width], multiples of {STRIDE}")
        return tuple((height, width) for height, width in found)

    def _wrong(self, key: str, what: str, advice: str) -> UsageError:
        return UsageError(f"{key}: {what}" if key else f"the recipe {what}", path=self.path, advice=advice)


def _join(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _kind(found: Any) -> str:
    """What a value is, in words, or the value itself where it is short."""
    if found is None:
        return "empty"
    if isinstance(found, dict | list):
        return "a list" if isinstance(found, list) else "keys with values"
    return repr(found) if len(repr(found)) < 40 else "a text"


def _near(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else ""
