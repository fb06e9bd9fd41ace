"""A stand-in for Kubernetes on this machine.

What a pod was to run is run here, one at a time, without a container.

It knows the few requests of Snakemake's plugin. A pod's working folder is emptied before each, its
volumes stay.
"""

import base64
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from slowpoints.machine.started import started, stop

CONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
current-context: here
"""


class Cluster:
    """What the cluster was asked for, and what came of it."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.python, self.turn = folder, python, threading.Lock()
        self.secrets: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.ended: dict[str, int] = {}
        self.threads: list[threading.Thread] = []
        self.pod: subprocess.Popen[Any] | None = None  # that runs, or has run last
        self.is_over = False

    def start(self, name: str) -> None:
        """Let the pod of a job run as soon as those before it have ended."""
        thread = threading.Thread(target=self.run, args=(name,))
        self.threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Stop the pod that runs, and start none of those that wait."""
        self.is_over = True
        while any(thread.is_alive() for thread in self.threads):
            if self.pod is not None:
                stop(self.pod)
            time.sleep(0.05)

    def run(self, name: str) -> None:
        """Run the command of a job's pod in its working folder, with the surroundings that it asks
        for.
        """
        (container,) = self.jobs[name]["spec"]["template"]["spec"]["containers"]
        surroundings = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
        }
        for entry in container["env"]:
            source = entry["valueFrom"]["secretKeyRef"]
            surroundings[entry["name"]] = base64.b64decode(
                self.secrets[source["name"]][source["key"]]
            ).decode()
        own = ("UV_", "PIP_", "SSL_")  # where packages come from on this machine
        surroundings |= {key: value for key, value in os.environ.items() if key.startswith(own)}
        with self.turn:
            if self.is_over:
                return
            work = self.folder / "workdir"
            work.mkdir(exist_ok=True)
            for path in work.iterdir():
                if path.name != ".envs":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            with (self.folder / f"{name}.log").open("wb") as log:
                command = [*shlex.split(container["command"][0]), *container["args"]]
                with started(
                    command, cwd=work, env=surroundings, stdout=log, stderr=log
                ) as self.pod:
                    code = self.pod.wait()
        self.ended[name] = code


def handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = body["metadata"]["name"]
            if self.path.endswith("/secrets"):
                cluster.secrets[name] = body["data"]
            else:
                cluster.jobs[name] = body
                cluster.start(name)
            self.answer(body)

        def do_GET(self) -> None:
            if "/pods" in self.path:
                return self.answer({"items": []})
            name = self.path.split("/jobs/")[1].split("/")[0]
            code = cluster.ended.get(name)
            counts = {} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}
            self.answer(cluster.jobs[name] | {"status": counts})

        def do_DELETE(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"status": "Success"})

        def answer(self, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def kubernetes(folder: Path, *, python: Path) -> Iterator[Cluster]:
    """Run the stand-in as long as the block lasts; `python` is the one that its pods find."""
    folder.mkdir()
    cluster = Cluster(folder, python)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(cluster))
    (folder / "config").write_text(CONFIG.format(port=server.server_port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with mock.patch.dict(os.environ, {"KUBECONFIG": str(folder / "config")}):
            yield cluster
    finally:
        server.shutdown()
        server.server_close()
        cluster.stop()
