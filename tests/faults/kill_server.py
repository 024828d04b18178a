#!/usr/bin/env python3
"""Kills the server with SIGKILL again and again under load, then compares what it acknowledged with what the warehouse holds.

Prints one JSON line: {"kills":..., "acknowledged":..., "lost":..., "duplicated":..., "ready_s_max":...}. Every acknowledged event must be
in dwd_user_action exactly once, whatever the clients sent again after a connection was cut.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Client(threading.Thread):
    """Sends batches; a batch that was not answered is sent again with the same ids until it is."""

    def __init__(self, number: int, port: int, key: str, stop: threading.Event):
        super().__init__(daemon=True)
        self.number, self.port, self.stop = number, port, stop
        self.headers = {"Authorization": "Basic " + base64.b64encode((key + ":").encode()).decode(), "Content-Type": "application/json"}
        self.random = random.Random(number)
        self.acknowledged: list[str] = []
        self.failure = None

    def make_batch(self, count: int) -> tuple[list[str], bytes]:
        ids = [f"k{self.number}-{len(self.acknowledged) + i}" for i in range(count)]
        events = [
            {"type": "track", "event": "post_view", "messageId": i, "userId": f"u{self.random.randrange(500)}", "properties": {"post_id": f"p{self.random.randrange(200)}"}}
            for i in ids
        ]
        return ids, json.dumps({"batch": events}).encode()

    def run(self) -> None:
        connection = None
        while not self.stop.is_set():
            ids, body = self.make_batch(self.random.choice([1, 5, 40]))
            while not self.stop.is_set():
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                    connection.request("POST", "/v1/batch", body, self.headers)
                    reply = connection.getresponse()
                    text = reply.read()
                    if reply.status == 200:
                        answer = json.loads(text)
                        if answer["accepted"] + answer["duplicates"] != len(ids):
                            self.failure = f"not all of {len(ids)} were taken: {text[:300]!r}"
                            return
                        self.acknowledged += ids
                        break
                    if reply.status not in (429, 503):
                        self.failure = f"status {reply.status}: {text[:300]!r}"
                        return
                except (OSError, http.client.HTTPException, ValueError):
                    connection = None
                time.sleep(0.01)


def start(binary: pathlib.Path, project: pathlib.Path, port: int) -> tuple[subprocess.Popen, float]:
    begin = time.monotonic()
    log = open(project / "server.log", "ab")
    process = subprocess.Popen(
        [binary, "up", "--project", project, "--set", f"http.port={port}", "--set", "landing.interval=1s"], stdout=log, stderr=log
    )
    while True:
        if process.poll() is not None:
            sys.exit(f"kill_server: the server ended with {process.returncode}; see {log.name}")
        if time.monotonic() - begin > 60:
            sys.exit(f"kill_server: not ready after 60 s; see {log.name}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return process, time.monotonic() - begin
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.01)


def keys_of(project: pathlib.Path) -> dict:
    lines = (project / "data/secrets/keys.toml").read_text().splitlines()
    return {line.split(" = ")[0]: line.split(" = ")[1].strip('"') for line in lines if " = " in line}


def rows_per_id(binary: pathlib.Path, project: pathlib.Path) -> dict[str, int]:
    for model in ("dim_user", "dim_post", "dwd_post_event", "dwd_post", "dwd_user_action"):  # the last looks up what the first three hold
        command = [binary, "run", "--project", project, "--url", "", "--select", model, "--until", "now"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out = subprocess.run(
        [binary, "query", "--project", project, "--format", "csv", "--rows", "0",
         "SELECT event_id, CAST(count(*) AS BIGINT) AS n FROM dwd_user_action GROUP BY event_id"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.splitlines()[1:]
    return {line.split(",")[0]: int(line.split(",")[1]) for line in out}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=os.environ.get("FEEDMILL", str(ROOT / "build/release/bin/feedmill")))
    parser.add_argument("--folder", default=str(ROOT / "build/kill-server"))
    arguments = parser.parse_args()
    binary, folder = pathlib.Path(arguments.binary), pathlib.Path(arguments.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project = folder / "app"
    subprocess.run([binary, "init", project], check=True, stdout=subprocess.DEVNULL)
    port, chance, stop = free_port(), random.Random(arguments.seed), threading.Event()
    process, ready_max = start(binary, project, port)
    clients = [Client(i, port, keys_of(project)["write"], stop) for i in range(arguments.clients)]
    for client in clients:
        client.start()
    for kill in range(arguments.kills):
        time.sleep(chance.uniform(0.02, 0.8))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process, ready = start(binary, project, port)
        ready_max = max(ready_max, ready)
        if (kill + 1) % 20 == 0:
            print(f"kills {kill + 1}, acknowledged {sum(len(c.acknowledged) for c in clients)}, slowest start {ready_max:.2f} s", file=sys.stderr, flush=True)
    time.sleep(0.5)
    stop.set()
    for client in clients:
        client.join(20)
        if client.failure:
            sys.exit(f"kill_server: client {client.number}: {client.failure}")
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    rows = rows_per_id(binary, project)
    acknowledged = [i for client in clients for i in client.acknowledged]
    if len(acknowledged) < arguments.kills:
        sys.exit(f"kill_server: only {len(acknowledged)} events were acknowledged; the load did not run")
    lost = sum(1 for i in acknowledged if i not in rows)
    duplicated = sum(1 for count in rows.values() if count > 1)
    print(json.dumps({"kills": arguments.kills, "acknowledged": len(acknowledged), "lost": lost, "duplicated": duplicated, "ready_s_max": round(ready_max, 3)}))
    sys.exit(1 if lost or duplicated else 0)


if __name__ == "__main__":
    main()
