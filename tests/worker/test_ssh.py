"""The worker on another machine: over a real ssh to a real sshd, with this machine at both ends."""

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nuke_matting.host.client import Client
from nuke_matting.host.errors import HostError
from nuke_matting.host.find import find_command
from nuke_matting.host.pathmap import PathMap
from nuke_matting.plate.reader import read_matte

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
pytestmark = pytest.mark.skipif(SSHD is None or not shutil.which("ssh"), reason="there is no sshd here")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def ssh(tmp_path_factory):
    """The command `ssh ... this machine`, with keys and a server of the test's own; nothing of the user's is touched."""
    folder = tmp_path_factory.mktemp("ssh")
    folder.chmod(0o700)
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/user_key.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # it wants that for its privilege separation
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    options = {"IdentityFile": folder / "user_key", "UserKnownHostsFile": folder / "known", "Port": port}
    options |= {"StrictHostKeyChecking": "no", "BatchMode": "yes", "IdentitiesOnly": "yes", "LogLevel": "ERROR"}
    command = ["ssh", "-T", "-F", "none", *(f"-o{name}={value}" for name, value in options.items())]
    command.append(f"{getpass.getuser()}@127.0.0.1")
    try:
        for _ in range(50):
            time.sleep(0.1)
            said = subprocess.run([*command, "true"], capture_output=True, text=True)
            if said.returncode == 0 or server.poll() is not None:
                break
        if said.returncode:
            pytest.skip(f"sshd does not serve here: {said.stderr.strip()} {(folder / 'log').read_text()[-500:]}")
        yield command
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def remote(ssh, tmp_path):
    """The worker's command over ssh, and a map: what is tmp_path here is called otherwise there."""
    there = Path(f"{tmp_path}_there")
    there.symlink_to(tmp_path)
    # a shell of the other machine takes the words apart: as in docs/worker.md, a program and its verb
    start = tmp_path / "nuke-matting"
    start.write_text(f'#!/bin/sh\nOMP_NUM_THREADS=1 exec {shlex.quote(sys.executable)} -I -m nuke_matting "$@"\n')
    start.chmod(0o755)
    return [*ssh, str(start), "worker"], PathMap([(str(tmp_path), str(there))])


def settings(weights, tmp_path):
    return {"model": weights, "device": "cpu", "region_batch": 50, "cache_dir": str(tmp_path / "cache")}


def test_it_mattes_under_the_names_that_files_have_there(remote, make_plate, weights, tmp_path):
    plate, out, events = make_plate([1001, 1002]), str(tmp_path / "out" / "m.%04d.exr"), []
    with Client(remote[0], paths=remote[1]) as client:
        about = {"settings": settings(weights, tmp_path), "out": out}
        assert client.matte(plate, events.append, **about).wait(120)["state"] == "done", events
    frames = [each for each in events if each["type"] == "frame"]
    assert [each["path"] for each in frames] == [out % 1001, out % 1002], "told as they are called here"
    assert all(read_matte(Path(each["path"]), 0)[0].shape == (36, 64) for each in frames)


def test_the_variables_of_the_docs_are_all_it_takes(remote, make_plate, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_WORKER", shlex.join(remote[0]))
    pairs = ";".join(f"{here}={there}" for here, there in remote[1].pairs)
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", pairs)
    assert find_command()[0] == "ssh"
    with Client() as client:
        closing = client.matte(make_plate([1001]), settings=settings(weights, tmp_path)).wait(120)
    assert closing["state"] == "done", closing


def test_the_worker_there_ends_when_the_connection_is_cut(remote, make_plate, weights, tmp_path):
    plate = make_plate(range(1001, 1201), name="long")
    client = Client(remote[0], paths=remote[1])
    worker = psutil.Process(client.hello(60)["pid"])
    seen = []
    client.matte(plate, seen.append, settings=settings(weights, tmp_path))
    end = time.monotonic() + 60
    while not any(each["type"] == "frame" for each in seen) and time.monotonic() < end:
        time.sleep(0.05)
    process = client._process
    client._process = None  # as if Nuke were gone: nobody starts another
    process.kill()
    worker.wait(20)


def test_a_host_that_is_not_there_is_told_in_sshs_words(ssh):
    command = [f"-oPort={free_port()}" if each.startswith("-oPort=") else each for each in ssh]
    client = Client([*command, "nuke-matting", "worker"], paths=PathMap())
    with client, pytest.raises(HostError, match="Connection refused"):
        client.hello(30)


def test_a_command_that_is_not_there_is_told(ssh):
    client = Client([*ssh, "/no/nuke-matting", "worker"], paths=PathMap())
    with client, pytest.raises(HostError, match="/no/nuke-matting"):
        client.hello(30)
