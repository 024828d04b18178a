#!/usr/bin/env python3
"""Server-sent events of what arrives: who reads gets every message in order or is told how many it missed, also over a restart; a thousand readers who do not read cost a bounded memory and hold nobody up."""

import http.client
import json
import pathlib
import re
import resource
import socket
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import Checks, Platform  # noqa: E402

SLOW = 1000
SECONDS = 14
EVENTS_PER_S = 150
PAYLOAD_BYTES = 4000
GROWTH_BYTES_MAX = SLOW * (64 << 10) + (96 << 20)  # http.stream_unsent_bytes_max each, and what connections cost
PATIENCE_S = 20


class Listener(threading.Thread):
    """Reads all there is until the server ends the stream."""

    def __init__(self, platform: Platform, query: str = "", last: str = ""):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=120)
        headers = {"Authorization": "Bearer " + platform.keys["admin"], **({"Last-Event-ID": last} if last else {})}
        self.connection.request("GET", "/v1/admin/events/live" + query, headers=headers)
        self.reply = self.connection.getresponse()
        self.rows, self.ids, self.missed, self.ended = [], [], 0, False
        self.start()

    def run(self) -> None:
        event = ""
        for line in self.reply:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                self.ids.append(int(value))
            elif name == "data" and event == "missed":
                self.missed, event = self.missed + json.loads(value)["messages"], ""
            elif name == "data":
                self.rows.append(json.loads(value))
        self.ended = True

    def until(self, holds) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while not holds(self) and time.monotonic() < deadline:
            time.sleep(0.02)
        return holds(self)


class Live:
    def __init__(self, checks: Checks, platform: Platform):
        self.checks, self.platform = checks, platform
        self.sent = 0

    def send(self, payload: int = 0, name: str = "app_open") -> str:
        self.sent += 1
        message = f"live-{self.sent}"
        self.platform.call("POST", "/v1/track", {"event": name, "userId": "ada", "messageId": message, "properties": {"x": "y" * payload} if payload else {}}, "write")
        return message

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.platform.port}/metrics") as reply:
            found = re.search("^" + re.escape(name) + r" (\S+)", reply.read().decode(), re.M)
        return float(found[1]) if found else 0

    def memory(self) -> int:
        status = pathlib.Path(f"/proc/{self.platform.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def messages_come_as_they_arrive(self) -> None:
        check = self.checks
        first = self.send()
        listener = Listener(self.platform)
        check.equal("the answer is a stream of events", (listener.reply.status, listener.reply.getheader("content-type"), listener.reply.getheader("cache-control")), (200, "text/event-stream", "no-store"))
        check.check("what is kept comes first", listener.until(lambda one: first in [row["message_id"] for row in one.rows]), listener.rows)
        begin = time.monotonic()
        message = self.send()
        check.check("then what arrives", listener.until(lambda one: one.rows and one.rows[-1]["message_id"] == message), listener.rows[-1:])
        check.check("within a moment", time.monotonic() - begin < 5, time.monotonic() - begin)
        refused = Listener(self.platform, "?kind=refused")
        self.send(name="nobody_knows")
        check.check("refused ones alone", refused.until(lambda one: [row["rule"] for row in one.rows][-1:] == ["unknown_event"]) and {row["kind"] for row in refused.rows} == {"refused"}, refused.rows)
        back = Listener(self.platform, last=str(listener.ids[-2]))
        check.check("who comes back goes on where it was", back.until(lambda one: len(one.ids) > 0) and back.ids[0] == listener.ids[-2] + 1, (listener.ids, back.ids))
        self.platform.restart()
        check.check("a stop ends the streams and cuts none", listener.until(lambda one: one.ended) and refused.until(lambda one: one.ended))
        again = Listener(self.platform, last="1000000")
        check.check("a number of before the restart begins anew", again.until(lambda one: len(one.rows) > 0), again.ids)

    def a_thousand_do_not_read(self) -> None:
        check, platform = self.checks, self.platform
        before = self.memory()
        request = f"GET /v1/admin/events/live HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {platform.keys['admin']}\r\n\r\n".encode()
        slow = []
        for _ in range(SLOW):
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(("127.0.0.1", platform.port))
            peer.sendall(request)
            slow.append(peer)
        readers = [Listener(platform, f"?after={self.newest()}") for _ in range(3)]
        most, slowest, feeds, sent, begin = 0, 0.0, [], [], time.monotonic()
        while time.monotonic() - begin < SECONDS:
            sent.append(self.send(PAYLOAD_BYTES))
            if len(sent) % 30 == 0:
                asked = time.monotonic()
                feeds.append(platform.call("POST", "/v1/feed", {"user_id": "ada", "n": 5}, "read")[0])
                slowest = max(slowest, time.monotonic() - asked)
                most = max(most, self.memory())
            time.sleep(max(0, begin + len(sent) / EVENTS_PER_S - time.monotonic()))
        grown = most - before
        cut = self.metric('feedmill_http_cut_total{reason="slow_reader"}')
        print(f"     {len(sent)} events of {PAYLOAD_BYTES} bytes, memory grew by {grown >> 20} MB, the slowest feed took {slowest * 1000:.0f} ms, {cut:.0f} readers cut")
        check.check("a thousand who do not read cost a bounded memory", grown < GROWTH_BYTES_MAX, grown)
        check.check("and are cut in the end", cut > 0, cut)
        check.check("feeds are answered all the while", set(feeds) == {200} and slowest < 2, (set(feeds), slowest))
        for number, reader in enumerate(readers):
            reader.until(lambda one: sent[-1] in [row["message_id"] for row in one.rows[-20:]])
            mine = [row["message_id"] for row in reader.rows if row["message_id"].startswith("live-")]
            check.check(f"reader {number} has all of them, or knows how many it missed", len(reader.rows) + reader.missed >= len(sent) and mine[-1] == sent[-1], (len(reader.rows), reader.missed, len(sent)))
            check.check(f"reader {number} has them in order", reader.ids == sorted(set(reader.ids)), reader.ids[:5])
        for peer in slow:
            peer.close()
        deadline = time.monotonic() + PATIENCE_S
        while self.metric("feedmill_http_connections") > 10 and time.monotonic() < deadline:
            self.send()
            time.sleep(0.2)
        check.check("who is gone is forgotten", self.metric("feedmill_http_connections") <= 10, self.metric("feedmill_http_connections"))

    def newest(self) -> int:
        return self.platform.good("GET", "/v1/admin/events?limit=1", key="admin")["events"][0]["sequence"]

    def more_are_refused(self) -> None:
        self.platform.stop()
        self.platform.settings += ("http.streams_max=2",)
        self.platform.start()
        held = [Listener(self.platform) for _ in range(2)]
        status, answer = self.platform.call("GET", "/v1/admin/events/live", key="admin")
        self.checks.equal("more than http.streams_max are refused", status, 503)
        self.checks.check("nobody listens without the admin token", self.platform.call("GET", "/v1/admin/events/live")[0] == 401 and len(held) == 2, answer)


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * SLOW), hard))
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-live-") as folder:
        platform = Platform(pathlib.Path(folder) / "project")
        platform.start()
        try:
            live = Live(checks, platform)
            for part in (live.messages_come_as_they_arrive, live.a_thousand_do_not_read, live.more_are_refused):
                checks.part(part)
        finally:
            platform.stop()
    checks.finish()


if __name__ == "__main__":
    main()
