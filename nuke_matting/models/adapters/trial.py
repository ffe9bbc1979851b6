"""A file that a user wants to add, tried before it is trusted with a shot: in a process of its own, for a limited time.

`python -m nuke_matting.models.adapters.trial FILE OURS NAME KIND WARM_UP SHA256` opens it, finds its kind, runs a frame
of each size that is reported, and prints what it found as JSON. Published weights of a network that we have are first
written to OURS, as a weight file of ours. A file that never ends, or that breaks the runtime, does so there and not in
the user's own process; a sandbox it is not.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.adapters.net import LARGEST
from nuke_matting.models.adapters.peers import format_of, kind_of, open_net, open_peer
from nuke_matting.models.adapters.published import write_ours
from nuke_matting.models.added import Record
from nuke_matting.models.cost import SIZES, gmacs, one_frame, parameters, some_frame
from nuke_matting.models.registry import load_file
from nuke_matting.models.weights import load_weights

_SUFFIXES = {"torchscript": ".torchscript", "onnx": ".onnx", "safetensors": ".safetensors"}


def try_file(path: Path, name: str, kind: str, licence: str, warm_up: int, seconds: float) -> tuple[bytes, Record]:
    """The bytes to keep, and the record of the model that a file turned out to be.

    The bytes are the file's own, but for published weights of a network that we have: those become a file of ours.

    kind : one of `peers.PEERS`; found out where empty.
    seconds : that the trial may take.

    Raises ModelError for a file that cannot be read, is of no kind that is known, or does not run; UsageError where the
    packages to run it are not installed.
    """
    data = read(path)
    with tempfile.TemporaryDirectory(prefix="nuke_matting_") as folder:
        ours = Path(folder, "ours.safetensors")
        command = [sys.executable, "-m", __spec__.name, str(path), str(ours), name, kind, str(warm_up), sha256(data)]
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise ModelError(
                f"the trial took longer than {seconds:g} seconds", path=path, advice="give it more time with --timeout"
            ) from error
        found = _answer(ended, path)
        data = read(ours) if ours.is_file() else data
    digest = sha256(data)
    file = f"{name}-{digest[:12]}{_SUFFIXES[found['format']]}"
    return data, Record(name=name, file=file, source=path.name, digest=digest, size=len(data), licence=licence, **found)


def _answer(ended: subprocess.CompletedProcess[bytes], path: Path) -> dict[str, Any]:
    """What a trial found. Raises what it raised, or ModelError where it broke down."""
    try:
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise ModelError(
            f"the trial ended with code {ended.returncode} ({said[-1][:200] if said else 'nothing said'})",
            path=path,
            advice="the file does not run here; nothing was added",
        ) from None
    if "what" in found:
        kinds = {each.kind: each for each in (ModelError, UsageError)}
        raise kinds[found["kind"]](found["what"], path=path, advice=found["advice"])
    return found


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read(path: Path) -> bytes:
    """A file's bytes. Raises ModelError for one that cannot be read, or is too large for a network."""
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError("is larger than 2 GiB, which is no network of these", path=path, advice="check the file")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})", path=path, advice="check the path") from error


def facts(path: Path, ours: Path, name: str, kind: str, warm_up: int, digest: str) -> dict[str, Any]:
    """What a record says of a file beyond its name: kind, format, precision, cost. Raises ModelError, UsageError.

    ours : where published weights of a network that we have are written, as a file of ours.
    """
    data = read(path)
    if sha256(data) != digest:
        raise ModelError("changed while it was read", path=path, advice="try again when it is whole")
    form, precision = format_of(data), "fp16"
    if form == "pytorch":
        write_ours(data, ours, name)
        path, form, precision = ours, "safetensors", "fp32"
    if form == "safetensors":
        if kind:
            raise UsageError("--kind is for files of other networks", advice="leave it out: weights of ours say theirs")
        model = load_file(path, "cpu", "fp32")
        costs = {size: round(gmacs(model, *SIZES[size]), 3) for size in SIZES}
        about = {"parameters": parameters(model), "warm_up": 0, "precision": precision}
        return {"kind": load_weights(path).metadata["architecture"], "format": form, **about, **costs}
    costs, shown = {}, kind
    for size, (width, height) in SIZES.items():
        net = open_net(data, form, "cpu", count=True)
        shown = shown or kind_of(net)
        model = open_peer(shown, net, name, digest, warm_up)
        one_frame(model, some_frame(width, height, clean=True))
        costs[size] = round(net.operations(), 3)
    net = open_net(data, form, "cpu")
    warm = len(open_peer(shown, net, name, digest, warm_up).references)
    about = {"parameters": net.parameters, "precision": net.precision, "warm_up": warm}
    return {"kind": shown, "format": form, **about, **costs}


def _main(path: str, ours: str, name: str, kind: str, warm_up: str, digest: str) -> None:
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the file prints is no answer
    try:
        found = facts(Path(path), Path(ours), name, kind, int(warm_up), digest)
    except (ModelError, UsageError) as error:
        found = {"what": error.what, "advice": error.advice, "kind": error.kind}
    os.write(out, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
