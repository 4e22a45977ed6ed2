"""A Dask cluster of machines that share nothing but a network: each worker has a network namespace and a folder.

Where no namespace can be made (who is not root, say) they are processes of this machine, with folders of their own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from batchwise.common.repository import ROOT
from tests.project import HANG

NETWORK = "10.213.77"
CODE = ("batchwise", "requirements-train.in")
# Told soon, in a test: a machine that is cut off sends nothing, also not that it is gone.
DASK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s", "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s"}
SETTINGS = {**DASK, "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]", "TF_CPP_MIN_LOG_LEVEL": "3"}


def ip(*words: str) -> None:
    """Change the network. Raises OSError or CalledProcessError where that is not allowed, or not possible."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Cluster:
    """A scheduler, to which workers are added; `client` is where a study is trained."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, dict[str, subprocess.Popen]()
        self.spaces: list[str] = []
        self.separate = self._makes_spaces()
        self.address = f"tcp://{self._host(0)}:{8786 if self.separate else free_port()}"
        self._start("scheduler", ROOT, ["dask", "scheduler", "--host", self.address, "--no-dashboard"], {})

    def _makes_spaces(self) -> bool:
        try:
            self._add_space("scheduler")
            for words in ("add lan type bridge", "set lan up", "set lo up"):
                ip("-n", self._space("scheduler"), "link", *words.split())
            ip("-n", self._space("scheduler"), "address", "add", f"{self._host(0)}/24", "dev", "lan")
        except (OSError, subprocess.CalledProcessError):
            self.close()
            return False
        return True

    def _space(self, name: str) -> str:
        return f"batchwise-{os.getpid()}-{name}"

    def _add_space(self, name: str) -> None:
        ip("netns", "add", self._space(name))
        self.spaces.append(name)

    def _host(self, number: int) -> str:
        return f"{NETWORK}.{number + 1}" if self.spaces else "127.0.0.1"

    def _connect(self, name: str, number: int) -> None:
        """Join a new namespace to the network."""
        self._add_space(name)
        here, there = self._space("scheduler"), self._space(name)
        ip("-n", here, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", there)
        ip("-n", here, "link", "set", name, "master", "lan", "up")
        ip("-n", there, "address", "add", f"{self._host(number)}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            ip("-n", there, "link", "set", device, "up")

    def add(self, name: str, **environment: str) -> Path:
        """Start a worker in a folder that has the code, and no data. Return the folder."""
        if self.separate:
            self._connect(name, len(self.processes))
        place = self.folder / name
        for code in CODE:
            copy = shutil.copytree if (ROOT / code).is_dir() else shutil.copy
            place.mkdir(exist_ok=True)
            copy(ROOT / code, place / code)
        options = ["--nthreads", "1", "--name", name, "--no-dashboard", "--local-directory", str(place / "scratch")]
        self._start(name, place, ["dask", "worker", self.address, *options], environment)
        return place

    def _start(self, name: str, place: Path, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            output = {"stdout": log, "stderr": subprocess.STDOUT, "start_new_session": True}
            self.processes[name] = subprocess.Popen(
                self.inside(name, *command), cwd=place, env=self.variables(**environment), **output
            )

    def variables(self, **environment: str) -> dict[str, str]:
        """Return the environment of a process of the cluster."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": ".", **SETTINGS, **environment}

    def inside(self, name: str, *command: str) -> list[str]:
        """Return the command that runs another one in the namespace of a machine."""
        return ["ip", "netns", "exec", self._space(name), *command] if self.separate else [*command]

    def cut(self, name: str) -> None:
        """Cut a machine off the network; where there is none of its own, it ends at once."""
        if self.separate:
            ip("-n", self._space("scheduler"), "link", "set", name, "down")
        else:
            self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to all processes of a machine."""
        os.killpg(self.processes[name].pid, number)

    def kill(self, name: str) -> None:
        """Kill the process that trains, of which the one that started it sees the end."""
        children = psutil.Process(self.processes[name].pid).children()
        next(one for one in children if "spawn_main" in " ".join(one.cmdline())).kill()

    def close(self) -> None:
        """End everything."""
        for name in self.processes:
            with suppress(ProcessLookupError):
                self.signal(name, signal.SIGKILL)
            self.processes[name].wait(HANG)
        for name in reversed(self.spaces):
            subprocess.run(["ip", "netns", "delete", self._space(name)], capture_output=True)
        self.spaces = []
