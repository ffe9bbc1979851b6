"""The worker's loop: says hello, then answers a line at a time until the host leaves."""

from __future__ import annotations

import logging
import os
from importlib.metadata import version
from typing import Any

import torch

from nuke_matting.host.protocol import PROTOCOL, check_request, error_event
from nuke_matting.host.wire import BadMessage, Lines, decode
from nuke_matting.models.registry import known_models
from nuke_matting.worker.desk import Desk, Warnings
from nuke_matting.worker.job import told
from nuke_matting.worker.pipe import Pipe

PATIENCE = 5.0  # seconds that a frame under way may take at the end
ADVICE = "install the same nuke_matting on both sides; docs/worker.md tells what a request is"


def serve(pipe: Pipe) -> None:
    """Serves one host until it shuts the worker down or leaves. What is under way then is cancelled."""
    pipe.send(hello())
    desk = Desk(pipe.send)
    handler = Warnings(desk)
    logger = logging.getLogger("nuke_matting")
    logger.addHandler(handler)
    farewell = None
    try:
        for line in Lines(pipe.read):
            farewell = _answer(line, desk, pipe)
            if farewell:
                break
    finally:
        ended = desk.close(PATIENCE)
        logger.removeHandler(handler)
    if farewell:
        pipe.send(farewell)
    if not ended:
        os._exit(0)  # files are written whole or not at all, so nothing is left in halves


def hello() -> dict[str, Any]:
    """The first event: who speaks, and what can be had here."""
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return {
        "type": "hello",
        "protocol": PROTOCOL,
        "version": version("nuke-matting"),
        "pid": os.getpid(),
        "devices": devices,
        "models": sorted(known_models()),
    }


def _answer(line: bytes | BadMessage, desk: Desk, pipe: Pipe) -> dict[str, Any] | None:
    """Does what a line asks for; nothing in it ends the worker. Gives the last event where it asks for the end."""
    message: dict[str, Any] = {}
    try:
        message = decode(line)
        check_request(message)
        ok = {"type": "ok", "id": message["id"]}
        if message["type"] == "shutdown":
            return ok
        if message["type"] == "matte":
            desk.take(message)
            return None
        if message["type"] == "cancel":
            desk.cancel(message.get("request"))
        pipe.send(ok)
    except BadMessage as error:
        name = message.get("id")
        usable = isinstance(name, str) and len(name) <= 64 and not desk.has(name)
        pipe.send(error_event(name if usable else None, "protocol", str(error), ADVICE))
    except Exception as error:
        pipe.send(told(None, error))
    return None
