"""Models that a user added: a folder of files, with a record beside each of what it is and whose.

A record is a small JSON file, `NAME.json`, and the last thing that is written: a model without one does not exist.
The file's SHA-256 is in it, and is looked at whenever the model is opened.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

from nuke_matting.errors import ModelError
from nuke_matting.homes import expanded

log = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")  # no folder, no option, no hidden file
_FILE = re.compile(NAME.pattern.replace("63", "127"))
_LONGEST_RECORD = 1 << 16  # bytes
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True)
class Record:
    """What is known of an added model.

    name : as in `--model`.
    kind : rvm, bgmv2, modnet, or one of our networks.
    format : torchscript, onnx or safetensors.
    file : its name, in the same folder as the record.
    source : what the file was called when it was added.
    digest, size : SHA-256 and bytes of the file.
    licence : whatever its user noted.
    warm_up : frames that a recurrent network sees before the one that is wanted.
    precision : that of its weights.
    parameters : how many numbers it learned.
    gmacs_512, gmacs_hd, gmacs_4k : multiply-accumulates of a frame of 512x512, 1920x1080, 3840x2160, in 1e9.
    """

    name: str
    kind: str
    format: str
    file: str
    source: str
    digest: str
    size: int
    licence: str
    warm_up: int
    precision: str
    parameters: int
    gmacs_512: float
    gmacs_hd: float
    gmacs_4k: float

    def text(self) -> bytes:
        """The record as its file holds it."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode("ascii")


def models_folder() -> Path:
    """$NUKE_MATTING_MODELS, else in the user's data folder of the operating system. It need not be there.

    Raises ModelError where the user has none, or there is no such one.
    """
    given = os.environ.get("NUKE_MATTING_MODELS", "")
    if given:
        return expanded(given, ModelError)
    try:
        return Path(platformdirs.user_data_dir("nuke_matting", appauthor=False), "models")
    except RuntimeError as error:  # as in some containers
        raise ModelError(
            "there is no place for added models, as the user has no home", advice="name one with $NUKE_MATTING_MODELS"
        ) from error


def added_models() -> dict[str, Record]:
    """Name -> record of every model that was added. What cannot be read, a record or a folder that
    $NUKE_MATTING_MODELS names, is left out, and logged."""
    found = {}
    try:
        records = sorted(models_folder().glob("*.json"))
    except ModelError as error:  # no place, so no models; but one that was named is missed
        records = []
        if os.environ.get("NUKE_MATTING_MODELS"):
            _tell(str(error))
    for path in records:
        try:
            found[path.stem] = read_record(path)
        except ModelError as error:
            _tell(str(error))
    return found


@functools.lru_cache
def _tell(text: str) -> None:
    """Once in a process: models are looked for often."""
    log.warning("%s", text)


def read_record(path: Path) -> Record:
    """The record of a file. Raises ModelError for one that this version did not write."""
    try:
        if path.stat().st_size > _LONGEST_RECORD:
            raise ValueError("too long")
        about = json.loads(path.read_bytes())
        if set(about) != {each.name for each in fields(Record)}:
            raise ValueError("other fields")
        record = Record(**about)
        for each in fields(Record):
            if not isinstance(about[each.name], _TYPES[str(each.type)]):
                raise ValueError(f"{each.name} is {about[each.name]!r}")
        if record.name != path.stem or not NAME.fullmatch(record.name) or not _FILE.fullmatch(record.file):
            raise ValueError("another name")
        if not 0 <= record.warm_up <= 1000:
            raise ValueError(f"warm_up is {record.warm_up}")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(
            f"no record of a model ({error})",
            path=path,
            advice=f"remove it with nuke-matting model remove {path.stem}, and add the model again",
        ) from error
    return record


def path_of(record: Record) -> Path:
    """The file of an added model."""
    return models_folder() / record.file


def read_added(record: Record) -> bytes:
    """The file of an added model, whole. Raises ModelError where it is gone or is not the file that was added."""
    path = path_of(record)
    advice = f"add it again: nuke-matting model remove {record.name}, then nuke-matting model add"
    try:
        data = path.read_bytes() if path.stat().st_size == record.size else b""
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})", path=path, advice=advice) from error
    if hashlib.sha256(data).hexdigest() != record.digest:
        raise ModelError("is not the file that was added: its SHA-256 is another", path=path, advice=advice)
    return data
