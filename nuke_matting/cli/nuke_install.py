"""Puts the node where Nuke finds it, and takes it away again: files of ours in a folder, and a line in an init.py.

What was put there is written down in the folder itself, file by file with its digest, so that only that is ever
replaced or removed: what an artist added or changed stays.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nuke_matting import host
from nuke_matting.atomic import write_whole
from nuke_matting.errors import MattingError, OutputError, UsageError
from nuke_matting.host.find import RECORD
from nuke_matting.resources import shipped

HOST = "nuke_matting_host"  # the name that gizmos/init.py loads the host's package by
MARK = b"# added by nuke-matting nuke install"
_ALONE = MARK + b", which made this file"  # so that it goes again, and an empty one of the user's stays
_LINK = "link"  # in place of a digest


@dataclass(frozen=True)
class Installed:
    """What a folder's record says: the tool's Python, and each file, relative, with its sha256 or `link`."""

    python: str
    files: dict[str, str]


def install(folder: Path, python: str, link: bool) -> None:
    """Copies or links the node's files into a folder that is made for them, in place of those of an earlier install.

    python : the program that the worker is started with.
    Raises UsageError where a file is in the way that is not ours; OutputError.
    """
    sources = dict(_sources(link))
    for name in _foreign(folder):
        if any(f"{name}/".startswith(f"{each}/") or f"{each}/".startswith(f"{name}/") for each in sources):
            what, advice = "is in the way and is not ours", "move it, or give a folder of its own"
            raise UsageError(what, path=folder / name, advice=advice)
    remove(folder)
    files = {name: _LINK if link else _digest(source.read_bytes()) for name, source in sources.items()}
    # first, so that what an interruption leaves can be told from what is not ours
    record = json.dumps({"python": python, "files": files}, indent=1)
    write_whole(folder / RECORD, record.encode() + b"\n")
    for name, source in sources.items():
        if link:
            _link(folder / name, source)
        else:
            _copy(folder / name, source)


def remove(folder: Path) -> list[Path]:
    """Removes what an install put into a folder, and the folder where nothing else is in it.

    Gives the files that have been changed since, and so are left. Raises OutputError.
    """
    installed = read_record(folder)
    if installed is None:
        return []
    left = []
    try:
        for name, digest in installed.files.items():
            path = folder / name
            if _is_ours(path, digest):
                path.unlink()
            elif os.path.lexists(path):
                left.append(path)
        for path in _compiled(folder, installed):
            path.unlink()
        (folder / RECORD).unlink()
        for each in sorted({folder / name for name in _folders(installed)}, reverse=True):
            if each.is_dir() and not each.is_symlink() and not any(each.iterdir()):
                each.rmdir()
    except OSError as error:
        raise _output_error(error, folder) from error
    return left


def read_record(folder: Path) -> Installed | None:
    """What is installed in a folder; None where nothing is. Raises UsageError for a record that cannot be read."""
    path = folder / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Installed(str(found["python"]), {str(name): str(digest) for name, digest in found["files"].items()})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _output_error(error, path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError("is damaged", path=path, advice="remove its folder by hand, and install again") from error


def add_line(init: Path, folder: str) -> None:
    """Adds the line that puts a folder on Nuke's path to an init.py, which is made where there is none; once.

    folder : as Nuke is to be told it, absolute or relative to init.py. Raises OutputError.
    """
    text = _read(init)
    rest = without_line(text)
    alone = not init.exists() or (rest is not None and _ALONE in text)
    line = b"import nuke; nuke.pluginAddPath(%s)  %s" % (ascii(folder).encode(), _ALONE if alone else MARK)
    wanted = with_line(text if rest is None else rest, line)
    if wanted != text:
        _write(init, wanted)


def remove_line(init: Path) -> bool:
    """Takes that line away: the file is what it was, to the byte, or gone if we made it. Whether the line was there.

    Raises OutputError.
    """
    text = _read(init)
    rest = without_line(text)
    if rest is None:
        return False
    if rest or _ALONE not in text:
        _write(init, rest)
    else:
        try:
            init.unlink()
        except OSError as error:
            raise _output_error(error, init) from error
    return True


def with_line(text: bytes, line: bytes) -> bytes:
    """A text with our line at its end: without a line feed after it where the text had none, so that it is known."""
    end = _line_feed(text)
    return text + line + end if not text or text.endswith(b"\n") else text + end + line


def without_line(text: bytes) -> bytes | None:
    """The text without our line; None where it is not in it."""
    lines = text.splitlines(keepends=True)
    ours = [number for number, line in enumerate(lines) if line.rstrip(b"\r\n").endswith((MARK, _ALONE))]
    if not ours:
        return None
    kept = [line for number, line in enumerate(lines) if number not in ours]
    if not lines[-1].endswith(b"\n") and ours[-1] == len(lines) - 1 and kept:
        kept[-1] = kept[-1].rstrip(b"\n").rstrip(b"\r")
    return b"".join(kept)


def _line_feed(text: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in text else b"\n"


def _sources(link: bool) -> Iterator[tuple[str, Path]]:
    """The files of the node: name in the folder, and where it is now. For links, folders as a whole."""
    gizmos, package = shipped("gizmos"), Path(host.__file__).parent
    for path in sorted(gizmos.iterdir()):
        if path.suffix in (".gizmo", ".py"):
            yield path.name, path
    folders = {"icons": gizmos / "icons", HOST: package}
    for name, folder in folders.items():
        if link:
            yield name, folder
        else:
            for path in sorted(folder.iterdir()):
                if path.suffix in (".png", ".py", ".json"):
                    yield f"{name}/{path.name}", path


def _foreign(folder: Path) -> Iterator[str]:
    """The files in a folder that no install put there, relative; a link to a folder is one file."""
    installed = read_record(folder)
    known = installed.files if installed else {}
    compiled = {folder / RECORD, *(_compiled(folder, installed) if installed else ())}
    for where, folders, files in os.walk(folder):
        for path in (Path(where, name) for name in (*folders, *files)):
            name = path.relative_to(folder).as_posix()
            if (
                (path.is_symlink() or not path.is_dir())
                and path not in compiled
                and not _is_ours(path, known.get(name))
            ):
                yield name


def _compiled(folder: Path, installed: Installed) -> Iterator[Path]:
    """What Nuke's Python made of our files."""
    for path in (folder / HOST / "__pycache__").glob("*.pyc"):
        if f"{HOST}/{path.name.partition('.')[0]}.py" in installed.files:
            yield path


def _is_ours(path: Path, digest: str | None) -> bool:
    """Whether a file is what an install put there."""
    if digest == _LINK:
        return path.is_symlink()
    return not path.is_symlink() and path.is_file() and _digest(path.read_bytes()) == digest


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _folders(installed: Installed) -> Iterator[str]:
    yield "."
    for name in installed.files:
        folder = os.path.dirname(name)
        if folder:
            yield from (folder, f"{folder}/__pycache__")


def _copy(path: Path, source: Path) -> None:
    """Never half a file under its name, which would be taken for one that was changed."""
    try:
        data = source.read_bytes()
    except OSError as error:
        raise _output_error(error, path) from error
    write_whole(path, data)


def _link(path: Path, source: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source)
    except OSError as error:
        advice = "leave --link out" if os.name == "nt" else "check the folder's rights, or leave --link out"
        raise OutputError(f"cannot be linked ({error.strerror or error})", path=path, advice=advice) from error


def _read(init: Path) -> bytes:
    try:
        return init.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _output_error(error, init) from error


def _write(init: Path, text: bytes) -> None:
    """Writes it whole, through links, with the rights that it had."""
    path = Path(os.path.realpath(init))
    rights = path.stat().st_mode & 0o777 if path.exists() else None
    write_whole(path, text)
    if rights is not None:
        path.chmod(rights)


def _output_error(error: OSError, path: Path) -> MattingError:
    return OutputError(error.strerror or str(error), path=error.filename or path, advice="check its rights")
