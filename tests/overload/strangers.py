#!/usr/bin/env python3
"""Strangers without a key: readers that do not read, bombs of gzip, idle connections up to the descriptor limit, positions that never come.

Times are bounds far above what a healthy server needs on a busy machine, and far below what was seen when it could be stalled.
"""

import gzip
import json
import pathlib
import re
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from local_platform import Checks, Platform  # noqa: E402

HEALTH_SECONDS_MAX = 1.0
PIPELINERS, PIPELINED = 200, 150
DESCRIPTORS = 1024
WAITERS = 20
MIB = 1 << 20


def ask_health(platform: Platform) -> float:
    """Seconds until /healthz answers on a new connection."""
    begin = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/healthz", timeout=60) as reply:
        reply.read()
    return time.monotonic() - begin


def metric(platform: Platform, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/metrics", timeout=60) as reply:
        found = re.search(rf"^{re.escape(name)} (\S+)$", reply.read().decode(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def kernel_socket_bytes() -> int:
    """Memory of all TCP sockets of this machine: what they hold in pages."""
    text = pathlib.Path("/proc/net/sockstat").read_text()
    return int(re.search(r"^TCP:.* mem (\d+)", text, re.MULTILINE).group(1)) * resource.getpagesize()


def connect(platform: Platform) -> socket.socket:
    return socket.create_connection(("127.0.0.1", platform.port), timeout=60)


def largest_asset(platform: Platform) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/console/") as reply:
        page = reply.read().decode()
    paths = [path if path.startswith("/") else f"/console/{path.removeprefix('./')}" for path in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page)]
    sizes = {}
    for path in paths:
        with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}{path}") as reply:
            sizes[path] = len(reply.read())
    return max(sizes, key=sizes.get)


def pipeliners(checks: Checks, platform: Platform) -> None:
    """Many that ask for much and read nothing."""
    path = largest_asset(platform)
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * PIPELINED
    before = kernel_socket_bytes()
    sockets = [connect(platform) for _ in range(PIPELINERS)]
    senders = [threading.Thread(target=lambda s=s: s.sendall(request), daemon=True) for s in sockets]
    for sender in senders:
        sender.start()
    waits = []
    held = 0
    end = time.monotonic() + 6
    while time.monotonic() < end:
        waits.append(ask_health(platform))
        held = max(held, kernel_socket_bytes() - before)
        time.sleep(0.02)
    print(f"     /healthz took at most {max(waits):.3f} s, {len(waits)} asked; sockets held {held / MIB:.0f} MiB")
    checks.check("others are answered beside readers that do not read", max(waits) < HEALTH_SECONDS_MAX, max(waits))
    checks.check("the kernel holds little for them", held < PIPELINERS * 2 * MIB, f"{held / MIB:.0f} MiB")
    deadline = time.monotonic() + 20
    cut = "feedmill_http_cut_total{reason=\"slow_reader\"}"
    while time.monotonic() < deadline and metric(platform, cut) < PIPELINERS:
        time.sleep(0.2)
    checks.equal("slow readers are cut and counted", metric(platform, cut), float(PIPELINERS))
    for s in sockets:
        s.close()


def post(platform: Platform, body: bytes, headers: str) -> int:
    with connect(platform) as s:
        s.sendall(f"POST /v1/batch HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        reply = b""
        while piece := s.recv(65536):
            reply += piece
    return int(reply.split(b" ")[1])


def processor_seconds(platform: Platform) -> float:
    fields = pathlib.Path(f"/proc/{platform.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def bombs(checks: Checks, platform: Platform) -> None:
    """14 kB that unpack to 15 MB of events, from somebody without a key."""
    message = json.dumps({"type": "track", "event": "like", "userId": "u1", "properties": {"post_id": "p1"}})
    bomb = gzip.compress(('{"batch":[' + ",".join([message] * (15 * MIB // len(message))) + "]}").encode())
    begin = processor_seconds(platform)
    statuses = {post(platform, bomb, "Content-Encoding: gzip\r\n") for _ in range(50)}
    spent = processor_seconds(platform) - begin
    print(f"     50 bombs of {len(bomb)} bytes cost {spent:.2f} s of processor time")
    checks.equal("a bomb is refused", statuses, {401})
    checks.check("before it is unpacked", spent < 0.5, spent)


class FewDescriptors(Platform):
    """A server whose system allows few open files."""

    def command(self, verb: str, *arguments: object) -> list:
        limit = ["prlimit", f"--nofile={DESCRIPTORS // 4}:{DESCRIPTORS}"] if verb == "up" else []
        return limit + super().command(verb, *arguments)


def idle(checks: Checks, folder: pathlib.Path) -> None:
    """More silent connections than descriptors: files still open, connections are refused and counted."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= hard < 2 * DESCRIPTORS:
        print(f"     skipped: this machine allows {hard} open files, the test needs {2 * DESCRIPTORS}")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    platform = FewDescriptors(folder / "idle", "landing.interval=1h")
    sockets = []
    try:
        platform.start()
        soft = int(re.search(r"Max open files +(\d+)", pathlib.Path(f"/proc/{platform.process.pid}/limits").read_text()).group(1))
        checks.equal("the soft limit is raised at the start", soft, DESCRIPTORS)
        platform.track("post_view", "u1", {"post_id": "p1"})  # its connection stays
        sockets = [connect(platform) for _ in range(DESCRIPTORS + 100)]
        time.sleep(1)
        opened = len(list(pathlib.Path(f"/proc/{platform.process.pid}/fd").iterdir()))
        checks.check("connections leave descriptors for files", opened < DESCRIPTORS - 100, opened)
        platform.track("post_view", "u2", {"post_id": "p1"})
        status, answer = platform.call("POST", "/v1/admin/land", {}, "admin")
        checks.equal("landing works beside them", (status, answer.get("landed")), (200, True))
        for s in sockets:
            s.close()
        time.sleep(1)
        refused = metric(platform, 'feedmill_http_refused_total{reason="connections"}')
        checks.check("what was refused is counted", refused >= 100, refused)
    finally:
        for s in sockets:
            s.close()
        platform.stop()


def parked(checks: Checks, platform: Platform) -> None:
    """Clients that wait for an event that never comes hold nobody up."""
    stop = threading.Event()
    named: list[str] = []

    def wait_in_vain() -> None:
        body = json.dumps({"user_id": "u9", "after": "0:999999999"}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{platform.port}/v1/feed", body, {"Authorization": "Bearer " + platform.keys["read"]})
        while not stop.is_set():
            with urllib.request.urlopen(request, timeout=60) as reply:
                named.append(str(json.loads(reply.read())["degraded"]))

    waiters = [threading.Thread(target=wait_in_vain, daemon=True) for _ in range(WAITERS)]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.5)
    times = []
    for _ in range(40):
        begin = time.monotonic()
        platform.feed("u1")
        times.append(time.monotonic() - begin)
    stop.set()
    for waiter in waiters:
        waiter.join()
    median = sorted(times)[len(times) // 2]
    print(f"     feeds beside {WAITERS} waiting clients: median {median * 1000:.1f} ms")
    checks.check("feeds do not wait behind those who wait", median < 0.06, median)
    checks.check("those are answered and told", len(named) > WAITERS and all("after: 0:999999999" in text for text in named), named[:3])
    position = platform.track("like", "u1", {"post_id": "p1"})
    begin = time.monotonic()
    answer = platform.feed("u1", after=position)
    checks.check("an event that comes is waited for", not [d for d in answer["degraded"] if d.startswith("after")], answer["degraded"])
    checks.check("and no longer", time.monotonic() - begin < 0.5)


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="overload-"))
    platform = Platform(folder / "open")
    try:
        platform.start()
        checks.part(pipeliners, checks, platform)
        checks.part(bombs, checks, platform)
        checks.part(parked, checks, platform)
        checks.part(idle, checks, folder)
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
