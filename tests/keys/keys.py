#!/usr/bin/env python3
"""Keys are added, rotated, revoked and end while the server is under load: no request with a valid key fails, and one that is not valid any more is refused within seconds."""

import base64
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

PATIENCE_S = 10


class Caller:
    """One connection that asks with whatever key it is given."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.sent = 0

    def status(self, key: str, opens: str) -> int:
        basic = "Basic " + base64.b64encode((key + ":").encode()).decode()
        self.sent += 1
        if opens in ("write", "import"):
            event = {"event": "app_open", "userId": "u1", "messageId": f"{key}-{id(self)}-{self.sent}", "properties": {}}
            method, path, body, authorization = "POST", "/v1/track", json.dumps(event), basic
        elif opens == "read":
            method, path, body, authorization = "POST", "/v1/feed", json.dumps({"user_id": "u1", "n": 5}), "Bearer " + key
        else:
            method, path, body, authorization = "GET", "/v1/admin/status", None, "Bearer " + key
        self.connection.request(method, path, body, {"Authorization": authorization, "Content-Type": "application/json"})
        reply = self.connection.getresponse()
        reply.read()
        return reply.status


class Load(threading.Thread):
    """Asks without a pause with the key that is valid now, and counts what was not answered with 200."""

    def __init__(self, port: int, opens: str, key: str):
        super().__init__(daemon=True)
        self.caller, self.opens, self.key, self.ended = Caller(port), opens, key, threading.Event()
        self.asked, self.failed = 0, []

    def run(self) -> None:
        while not self.ended.is_set():
            status = self.caller.status(self.key, self.opens)
            self.asked += 1
            if status != 200:
                self.failed.append((status, time.monotonic()))


class Keys:
    def __init__(self, checks: Checks, platform: Platform):
        self.checks, self.platform = checks, platform
        self.caller = Caller(platform.port)

    def key(self, *arguments: object) -> str:
        done = self.platform.try_verb(f"key {arguments[0]}", *arguments[1:])
        if done.returncode:
            raise RuntimeError(f"key {arguments}: {done.stderr}")
        return done.stdout.strip()

    def says(self, *arguments: object) -> tuple[int, str]:
        done = self.platform.try_verb(f"key {arguments[0]}", *arguments[1:])
        return done.returncode, done.stdout + done.stderr

    def becomes(self, key: str, opens: str, status: int) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while self.caller.status(key, opens) != status:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def scopes(self) -> None:
        check = self.checks
        for opens, wrong in (("write", "read"), ("import", "read"), ("read", "write"), ("admin", "write")):
            key = self.key("add", f"some-{opens}", "--for", opens)
            check.check(f"{opens}: known to the running server", self.becomes(key, opens, 200))
            check.equal(f"{opens}: opens nothing else ({wrong})", self.caller.status(key, wrong), 401)
            check.equal(f"{opens}: nothing but the whole key", [self.caller.status(part, opens) for part in (key[:-1], key + "x", key.lower(), "")], [401] * 4)
            self.key("revoke", f"some-{opens}")
            check.check(f"{opens}: refused when it was revoked", self.becomes(key, opens, 401))

    def valid_keys_never_fail(self) -> None:
        """Each thread keeps to a key until the next one is known: nothing is refused."""
        check = self.checks
        first = {opens: self.key("add", f"steady-{opens}", "--for", opens) for opens in ("write", "read")}
        for opens, key in first.items():
            check.check(f"steady: the {opens} key is known", self.becomes(key, opens, 200))
        loads = [Load(self.platform.port, opens, key) for opens, key in (*first.items(), ("write", self.platform.keys["write"]), ("read", self.platform.keys["read"]))]
        for load in loads:
            load.start()
        for number in range(4):
            for load, name in zip(loads, ("steady-write", "steady-read", "write", "read")):
                fresh = self.key("rotate", name, "--keep", "1m")
                check.check(f"steady: the new key of {name} is known ({number})", self.becomes(fresh, load.opens, 200))
                load.key = fresh
            for opens in ("write", "read"):
                self.key("add", f"passing-{opens}-{number}", "--for", opens, "--expires", "1h")
                self.key("revoke", f"passing-{opens}-{number}")
        for load in loads:
            load.ended.set()
            load.join()
        check.equal("steady: requests with a valid key that failed", [load.failed for load in loads], [[]] * len(loads))
        check.check("steady: there were many", all(load.asked > 100 for load in loads), [load.asked for load in loads])

    def ends(self) -> None:
        check, keys = self.checks, dict(self.platform.keys)
        brief = self.key("add", "brief", "--for", "read", "--expires", "2s")
        check.check("ends: known", self.becomes(brief, "read", 200))
        check.check("ends: refused when its time is over", self.becomes(brief, "read", 401))
        old = self.key("show", "import")
        new = self.key("rotate", "import")
        check.check("file: the new key is known", self.becomes(new, "import", 200))
        check.equal("file: the former one is refused at once", self.caller.status(old, "import"), 401)
        check.equal("file: it is what is shown", self.key("show", "import"), new)
        admin = self.key("rotate", "admin")
        check.check("file: the admin's too", self.becomes(admin, "admin", 200) and self.caller.status(keys["admin"], "admin") == 401)

    def file_keys(self) -> None:
        """The four of the file: all rotated at once, kept and then not, and a file that says less than it must."""
        check, names = self.checks, ("write", "import", "read", "admin")
        former = {name: self.key("show", name) for name in names}
        command = [str(word) for word in self.platform.command("key rotate")]
        running = {name: subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in names}
        fresh = {name: process.communicate()[0].strip() for name, process in running.items()}
        check.equal("at once: each is rotated", [process.returncode for process in running.values()], [0] * 4)
        check.equal("at once: each new one is what is shown", {name: self.key("show", name) for name in names}, fresh)
        check.equal("at once: each is good when the verb returns", [self.caller.status(fresh[name], name) for name in names], [200] * 4)
        check.equal("at once: and each former one refused", [self.caller.status(former[name], name) for name in names], [401] * 4)
        kept = self.key("rotate", "read", "--keep", "1h")
        check.equal("kept: both are good", [self.caller.status(key, "read") for key in (fresh["read"], kept)], [200, 200])
        last = self.key("rotate", "read")
        check.equal("kept: one that is changed at once ends those too", [self.caller.status(key, "read") for key in (fresh["read"], kept, last)], [401, 401, 200])
        self.key("rotate", "read", "--keep", "1h")
        check.check("kept: told under its name", re.search(r"^read +read .*a former one", self.key("list"), re.M) is not None, self.key("list"))
        self.key("revoke", "read")
        check.equal("kept: revoked by it", self.caller.status(last, "read"), 401)
        file = self.platform.project / "data/secrets/keys.toml"
        good = file.read_text()
        key = self.key("show", "read")
        for what, text in (("empty", ""), ("a short key", good.replace(key, "abc")), ("two that are the same", good.replace(key, self.key("show", "write"))), ("cut", good[:70])):
            file.write_text(text)
            time.sleep(2.5)
            check.equal(f"file, {what}: those of before go on", self.caller.status(key, "read"), 200)
            check.check(f"file, {what}: doctor says so", "broken  keys" in self.platform.try_verb("doctor").stdout, self.platform.try_verb("doctor").stdout)
            check.check(f"file, {what}: nothing is rotated on top of it", self.says("rotate", "admin")[0] != 0 and file.read_text() == text)
        check.check("file: the log says so", "keys cannot be read again" in self.platform.server_log())
        file.write_text(good)
        self.platform.keys = {name: value for name, value in (line.replace('"', "").split(" = ") for line in good.splitlines() if " = " in line)}

    def told(self) -> None:
        check = self.checks
        key = self.key("add", "partner-feed", "--for", "write")
        check.check("told: known", self.becomes(key, "write", 200))
        listed = self.key("list")
        check.check("told: names, scopes and first letters, never a key", "partner-feed" in listed and key[:4] in listed and key not in listed, listed)
        check.check("told: what ended lately", re.search(r"^brief +read .*ended", listed, re.M) is not None, listed)
        kept = b"".join(path.read_bytes() for path in (self.platform.project / "data").glob("meta.db*"))
        check.check("told: no file but secrets/keys.toml has a key", key.encode() not in kept)
        self.platform.keys["admin"] = self.key("show", "admin")
        self.platform.land()
        sources = {row["write_source"] for row in self.platform.query("SELECT DISTINCT write_source FROM ods_event")}
        check.check("told: events land under the name of their key", {"app", "import", "partner-feed", "steady-write"} <= sources, sources)
        self.platform.restart()
        self.caller = Caller(self.platform.port)
        check.equal("told: known after a restart", self.caller.status(key, "write"), 200)
        check.check("told: when it was used last", re.search(r"^partner-feed +write .*used 20", self.key("list"), re.M) is not None, self.key("list"))

    def refused(self) -> None:
        for name, arguments, wanted in (("a name that is none", ("add", "No Name", "--for", "read"), "small letters"),
                                        ("a name of the file", ("add", "app", "--for", "read"), "take another"),
                                        ("a name that has a key", ("add", "partner-feed", "--for", "read"), "key rotate partner-feed"),
                                        ("nothing that it opens", ("add", "more"), "--for is required"),
                                        ("an unknown scope", ("add", "more", "--for", "root"), "allowed: admin, import, read, write"),
                                        ("no duration", ("add", "more", "--for", "read", "--expires", "soon"), "--expires: found \"soon\""),
                                        ("a keep that is none", ("rotate", "partner-feed", "--keep", "-1h"), "--keep: found"),
                                        ("an unknown name", ("rotate", "nobody"), "no key of the name \"nobody\""),
                                        ("an unknown name to revoke", ("revoke", "nobody"), "no key of the name \"nobody\""),
                                        ("a key of the file", ("revoke", "admin"), "key rotate admin")):
            code, said = self.says(*arguments)
            self.checks.check(f"refused: {name}", code != 0 and wanted in said, (code, said))


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedmill_keys_"))
    platform = Platform(folder / "app")
    try:
        platform.start()
        keys = Keys(checks, platform)
        for part in (keys.scopes, keys.valid_keys_never_fail, keys.ends, keys.file_keys, keys.told, keys.refused):
            checks.part(part)
    finally:
        platform.stop()
    if not checks.failed:
        shutil.rmtree(folder)
    checks.finish()


if __name__ == "__main__":
    main()
