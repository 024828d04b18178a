"""Servers that benches start: ours in a fresh project, and peers with their best documented settings, all on loopback."""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release")).resolve()
WORK = ROOT / "build/bench-work"
RESULTS = ROOT / "bench/results"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_http(port: int, path: str, process: subprocess.Popen, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            if connection.getresponse().status < 400:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    sys.exit(f"bench: {process.args[0]} did not answer on port {port} within {seconds} s")


class Feedmill:
    def __init__(self, project: pathlib.Path, *settings: str, fresh: bool = True, binary: pathlib.Path = BUILD / "bin/feedmill"):
        self.binary = binary
        self.project = project
        self.port = free_port()
        if fresh:
            shutil.rmtree(project, ignore_errors=True)
            subprocess.run([self.binary, "init", project], check=True, stdout=subprocess.DEVNULL)
        log = open(project / "server.log", "ab")
        arguments = [self.binary, "up", "--project", project, "--set", f"http.port={self.port}", "--set", "logging.level=warn"]
        for setting in settings:
            arguments += ["--set", setting]
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        wait_http(self.port, "/readyz", self.process)
        lines = (project / "data/secrets/keys.toml").read_text().splitlines()
        self.keys = {line.split(" = ")[0]: line.split(" = ")[1].strip('"') for line in lines if " = " in line}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_peak_mb(self) -> float:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(180)


NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log logs/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u; scgi_temp_path tmp/s;
  server {
    listen 127.0.0.1:PORT;
    location / { return 204; }
  }
}
"""


class Nginx:
    def __init__(self, folder: pathlib.Path):
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("logs", "tmp"):
            (folder / name).mkdir(parents=True)
        self.port = free_port()
        (folder / "nginx.conf").write_text(NGINX.replace("PORT", str(self.port)))
        self.process = subprocess.Popen(["nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "logs/error.log"])
        wait_http(self.port, "/", self.process)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
