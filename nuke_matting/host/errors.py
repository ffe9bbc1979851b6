"""The error of this side."""


class HostError(Exception):
    """Something the artist or a TD must see to.

    what : what went wrong, one clause without a full stop.
    advice : what to do about it, likewise; may be empty.

    `str(error)` is one line: ``what; advice``.
    """

    def __init__(self, what, advice=""):
        # type: (str, str) -> None
        self.what = " ".join(what.split())
        self.advice = " ".join(advice.split())
        super().__init__(f"{self.what}; {self.advice}" if self.advice else self.what)
