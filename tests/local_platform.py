"""A Feedmill of its own for an end-to-end test: a project in a temporary folder, a server on a free port of this machine, and calls to it."""

import base64
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
FEEDMILL = pathlib.Path(os.environ.get("FEEDMILL", BUILD / "bin/feedmill"))
READY_SECONDS_MAX = 180

WORLD = """seed = {seed}
[size]
users = {users}
new_users = {new_users}
authors = {authors}
topics = 6
history_days = 3
live_hours = {live_hours}
[variety]
languages = 1
adult_authors = 0
communities_per_topic = 0
"""


class Checks:
    """Named checks; a failed one is told and counted, the rest still run."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, name: str, holds: bool, detail: object = "") -> None:
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {name}" + ("" if holds else f": {detail}"), flush=True)

    def equal(self, name: str, found: object, wanted: object) -> None:
        self.check(name, found == wanted, f"found {found!r}, wanted {wanted!r}")

    def part(self, function, *arguments) -> None:
        """One group of checks; an exception in it is one failure."""
        begin = time.monotonic()
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - whatever it is, it is a failure with its place
            self.check(function.__name__, False, traceback.format_exc())
        print(f"     {function.__name__}: {time.monotonic() - begin:.1f} s", flush=True)

    def finish(self) -> None:
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Platform:
    """`settings` are `name=value` over feedmill.toml, for the server and for every verb that takes them."""

    def __init__(self, folder: pathlib.Path, *settings: str, seed: int = 1, live_hours: float = 24, scale: int = 1):
        self.project = folder
        self.settings = settings
        self.port = 0
        self.process = None
        self.connection = None
        subprocess.run([FEEDMILL, "init", folder], check=True, stdout=subprocess.DEVNULL)
        self.world = folder / "world.toml"
        self.world.write_text(WORLD.format(seed=seed, live_hours=live_hours, users=120 * scale, new_users=12 * scale, authors=24 * scale))

    # The server.

    def start(self, until: str = "/readyz", port: int = 0) -> None:
        self.port = port or free_port()
        log = open(self.project / "server.log", "ab")
        self.process = subprocess.Popen([str(a) for a in self.command("up", "--set", f"http.port={self.port}")], stdout=log, stderr=log)
        begin = time.monotonic()
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.server_log()[-2000:]}")
            if time.monotonic() - begin > READY_SECONDS_MAX:
                raise RuntimeError(f"not ready within {READY_SECONDS_MAX} s: {self.server_log()[-2000:]}")
            try:
                if self.call("GET", until)[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        self.keys = {}
        for line in (self.project / "data/secrets/keys.toml").read_text().splitlines():
            name, _, value = line.partition(" = ")
            self.keys[name] = value.strip('"')

    def server_log(self) -> str:
        return (self.project / "server.log").read_text(errors="replace")

    def stop(self) -> None:
        if self.connection:
            self.connection.close()
            self.connection = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(READY_SECONDS_MAX)
        self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    # Calls.

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def call(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, dict]:
        headers = {"Content-Type": "application/json"}
        if key in ("write", "import"):
            headers["Authorization"] = "Basic " + base64.b64encode((self.keys[key] + ":").encode()).decode()
        elif key:
            headers["Authorization"] = "Bearer " + self.keys[key]
        text = None if body is None else json.dumps(body)
        kept = self.connection is not None
        try:
            self.connection = self.connection or self.connect()
            self.connection.request(method, path, text, headers)
            reply = self.connection.getresponse()
            data = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            if kept:  # the server closes silent connections
                return self.call(method, path, body, key)
            raise OSError(str(error)) from error
        return reply.status, json.loads(data) if data[:1] in (b"{", b"[") else {}

    def good(self, method: str, path: str, body: object = None, key: str = "") -> dict:
        status, answer = self.call(method, path, body, key)
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path} {json.dumps(body)[:300]}: {status} {answer}")
        return answer

    def track(self, event: str, user: str, properties: dict, **members) -> str:
        """Position of the event in the log."""
        return self.good("POST", "/v1/track", {"event": event, "userId": user, "properties": properties, **members}, "write")["position"]

    def batch(self, events: list[dict]) -> str:
        return self.good("POST", "/v1/batch", {"batch": events}, "write")["position"]

    def feed(self, user: str, **members) -> dict:
        return self.good("POST", "/v1/feed", {"user_id": user, "n": 10, **members}, "read")

    def set_clock(self, now: str) -> None:
        self.good("POST", "/v1/admin/clock", {"now": now}, "admin")

    def land(self) -> None:
        self.good("POST", "/v1/admin/land", {}, "admin")

    # Verbs.

    def command(self, verb: str, *arguments: object) -> list:
        settings = [word for setting in self.settings for word in ("--set", setting)]
        return [FEEDMILL, *verb.split(), "--project", self.project, *(settings if verb in ("up", "run", "rebuild", "verify-features") else []), *arguments]

    def verb(self, verb: str, *arguments: object) -> dict:
        """The JSON object in the last line of its output."""
        done = self.try_verb(verb, *arguments)
        if done.returncode:
            raise RuntimeError(f"{verb} {arguments}: {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def try_verb(self, verb: str, *arguments: object) -> subprocess.CompletedProcess:
        command = [str(word) for word in self.command(verb, *arguments)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def follow(self, advice: str) -> subprocess.CompletedProcess:
        """A command that a message named, given as it stands there."""
        words = advice.split()
        assert words[0] == "feedmill", advice
        settings = [word for setting in self.settings for word in ("--set", setting)] if words[1] in ("run", "rebuild", "backfill") else []
        return subprocess.run([str(FEEDMILL), *words[1:], *settings], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def simulate(self, phase: str, *arguments: object) -> dict:
        return self.verb(f"simulate {phase}", "--url", f"http://127.0.0.1:{self.port}", "--world", self.world, *arguments)

    def nightly(self, until: str, *arguments: object) -> dict:
        return self.verb("run", "--url", f"http://127.0.0.1:{self.port}", "--until", until, *arguments)

    def query(self, sql: str) -> list[dict]:
        done = self.try_verb("query", "--format", "jsonl", "--rows", "0", sql)
        if done.returncode:
            raise RuntimeError(f"{sql}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.split("\n") if line]

    def tables(self) -> list[str]:
        return [name.split(".")[1] for name in subprocess.run([str(w) for w in self.command("query")], check=True, stdout=subprocess.PIPE, text=True).stdout.split()]
