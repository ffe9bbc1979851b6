"""The errors a user may meet: each says what went wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class MattingError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    what : what went wrong, one clause without a full stop.
    path : the file or folder it happened to, if one.
    frame : the frame number it happened at, if one.
    advice : what the user can do, one clause without a full stop.

    `str(error)` is one line: ``path (frame N): what; advice``.
    """

    kind = "error"

    def __init__(
        self,
        what: str,
        *,
        path: str | Path | None = None,
        frame: int | None = None,
        advice: str = "",
    ) -> None:
        self.what = " ".join(what.split())
        self.path = None if path is None else str(path)
        self.frame = frame
        self.advice = " ".join(advice.split())
        super().__init__(self._line())

    def _line(self) -> str:
        where = self.path or ""
        if self.frame is not None:
            where = f"{where} (frame {self.frame})" if where else f"frame {self.frame}"
        line = f"{where}: {self.what}" if where else self.what
        return f"{line}; {self.advice}" if self.advice else line

    def __reduce__(self):  # keyword arguments survive pickling between processes
        return _rebuild, (type(self), self.what, self.path, self.frame, self.advice)


def _rebuild(kind, what, path, frame, advice):
    return kind(what, path=path, frame=frame, advice=advice)


class UsageError(MattingError):
    """Wrong use: a setting, path, frame range or name that is not valid. Nothing was started."""

    kind = "usage"


class PlateError(MattingError):
    """A plate's frame is missing, damaged or of a kind that is not supported. Other frames go on."""

    kind = "plate"


class ColourError(MattingError):
    """An OCIO config or colour space that cannot be used."""

    kind = "colour"


class ModelError(MattingError):
    """A model or its weights that cannot be found, read or trusted, or a device that cannot run it."""

    kind = "model"


class OutputError(MattingError):
    """A result that could not be written: a read-only folder, a full disk, a name in the way."""

    kind = "output"


class TakenError(OutputError):
    """A file stands where a result is to be written that this tool did not write, or that was changed since."""

    kind = "taken"


class CacheError(MattingError):
    """A cache folder that cannot be used. Frames are computed all the same where that is possible."""

    kind = "cache"


def as_told(error: Exception, frame: int | None = None) -> MattingError:
    """An error as users read it: itself, or what to report where nobody foresaw it.

    frame : of one that nobody foresaw, if it met one.
    """
    if isinstance(error, MattingError):
        return error
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # as torch has it
        advice = "lower --jobs, close other programs, or raise the memory that the process may take"
        return MattingError("no memory is left", frame=frame, advice=advice)
    advice = "please report it, with the output of nuke-matting doctor"
    return MattingError(f"unexpected {type(error).__name__}: {error}", frame=frame, advice=advice)
