"""Choose: the models that the worker knows by name, in a list."""

import threading

from .errors import HostError
from .jobs import client
from .nuke_api import nuke
from .state import is_there, say

_ASKING = "asking the worker which models there are"


def choose_model(node):
    """Has the artist choose a model for a node; without a GUI, prints which there are. Raises HostError."""
    ask = client().hello
    if not nuke.GUI:
        nuke.tprint("NukeMatting: models: " + ", ".join(ask()["models"]))
        return
    before = node["status"].value()
    say(node, _ASKING)

    def work():  # a worker takes some seconds to start: Nuke does not wait for it
        try:
            models, wrong = ask()["models"], ""
        except HostError as error:
            models, wrong = [], str(error)
        nuke.executeInMainThread(_offer, (node, before, models, wrong))

    threading.Thread(target=work, name="nuke_matting", daemon=True).start()


def _offer(node, before, models, wrong):
    if not is_there(node):
        return
    if node["status"].value() == _ASKING:
        say(node, wrong or before)
    if wrong:
        nuke.message(f"NukeMatting: {wrong}")
        return
    now = node["model"].value()
    models = models if now in models else [now, *models]  # such as the path of a file
    chosen = nuke.choice("NukeMatting", "model", models, models.index(now))
    if chosen is not None:
        node["model"].setValue(models[chosen])
