#!/usr/bin/env python3
"""What may happen to the event log and the folder it stands in, and the ways out that the messages name.

The log is deleted, cut, and flipped by one bit before and after its events have landed; the disk is full when the server is killed; the data
folder goes away under a running server. After each: nothing that landed is lost or doubled, what is lost is named, a retry counts as what it is.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, Checks, Platform  # noqa: E402

MIB = 1 << 20


def likes(prefix: str, count: int, first: int = 0) -> list[dict]:
    return [
        {"type": "track", "event": "like", "messageId": f"{prefix}-{i}", "userId": f"u{i % 7}", "properties": {"post_id": f"p{i % 5}"}}
        for i in range(first, first + count)
    ]


def send(platform: Platform, events: list[dict], key: str = "write") -> dict:
    return platform.good("POST", "/v1/batch", {"batch": events}, key)


def rows_per_id(platform: Platform, table: str = "ods_event") -> dict:
    return {row["event_id"]: row["n"] for row in platform.query(f"SELECT event_id, count(*) AS n FROM {table} GROUP BY 1")}


def all_once(checks: Checks, name: str, platform: Platform, ids: list[str], table: str = "ods_event") -> None:
    rows = rows_per_id(platform, table)
    wrong = {i: rows.get(i, 0) for i in ids if rows.get(i, 0) != 1}
    checks.check(f"{name}: {len(ids)} events once in {table}", not wrong, dict(list(wrong.items())[:5]))


def names(events: list[dict]) -> list[str]:
    return [event["messageId"] for event in events]


def kill(platform: Platform) -> None:
    platform.process.send_signal(signal.SIGKILL)
    platform.process.wait()
    platform.process = platform.connection = None


def log_verb(platform: Platform, *words: str) -> subprocess.CompletedProcess:
    command = [str(FEEDMILL), "log", *words, "--project", str(platform.project)]
    for setting in platform.settings:
        command += ["--set", setting]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def segments(platform: Platform) -> list[pathlib.Path]:
    return sorted((platform.project / "data/log").glob("p*/*.seg"))


def flip(path: pathlib.Path, text: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(text)] ^= 4
    path.write_bytes(data)


def short_log(checks: Checks, folder: pathlib.Path, cut: bool) -> None:
    """`cut`: the last file loses its end; otherwise the whole log is deleted. Some events had not landed."""
    how = "cut" if cut else "deleted"
    platform = Platform(folder / how, "landing.interval=1h")
    try:
        platform.start()
        landed = likes("landed", 300)
        send(platform, landed)
        imported = likes("landed", 20)
        send(platform, imported, "import")
        platform.land()
        lost = likes("lost", 10)
        send(platform, lost)
        time.sleep(0.5)
        kill(platform)
        if cut:
            path = segments(platform)[-1]
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
        else:
            shutil.rmtree(platform.project / "data/log")
        refused = platform.try_verb("up")
        checks.check(f"{how}: up refuses and names the way out", refused.returncode == 1 and "partition 0 of the event log ends at record" in refused.stderr
                     and "feedmill log reset --after-landed" in refused.stderr, refused.stderr)
        refused = platform.try_verb("rebuild", "--yes")
        checks.check(f"{how}: rebuild refuses, too", refused.returncode == 1 and "feedmill log reset --after-landed" in refused.stderr, refused.stderr)
        done = log_verb(platform, "reset")
        checks.check(f"{how}: reset asks for its flag", done.returncode == 1 and "--after-landed" in done.stderr, done.stderr)
        done = log_verb(platform, "reset", "--after-landed")
        checks.check(f"{how}: reset goes through", done.returncode == 0, done.stderr)
        platform.start()
        again = send(platform, landed)
        checks.check(f"{how}: what had landed is a duplicate", again["duplicates"] == 300 and again["accepted"] == 0, again)
        again = send(platform, imported, "import")
        checks.check(f"{how}: so by its own key", again["duplicates"] == 20, again)
        if not cut:
            again = send(platform, lost)
            checks.check(f"{how}: what was lost is accepted again", again["accepted"] == 10, again)
        fresh = likes("fresh", 50)
        send(platform, fresh)
        platform.land()
        ids = names(landed + fresh) + [f"import:{i}" for i in names(imported)] + ([] if cut else names(lost))
        all_once(checks, how, platform, ids)
        platform.stop()
        for model in ("dim_user", "dim_post", "dwd_post_event", "dwd_post", "dwd_user_action"):
            platform.verb("run", "--url", "", "--select", model, "--until", "now")
        all_once(checks, how, platform, ids, "dwd_user_action")
        platform.verb("rebuild", "--yes", "--until", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5)))
        all_once(checks, f"{how}, rebuilt", platform, ids, "dwd_user_action")
        refused = platform.try_verb("rebuild", "--raw", "--yes")
        checks.check(f"{how}: --raw would lose rows", refused.returncode == 1 and "--raw: " in refused.stderr, refused.stderr)
        platform.start()
        send(platform, likes("last", 5))
    finally:
        platform.stop()


def flipped_bit(checks: Checks, folder: pathlib.Path) -> None:
    platform = Platform(folder / "flipped", "landing.interval=1h")
    try:
        platform.start()
        landed = likes("landed", 200)
        for at in range(0, 200, 20):
            send(platform, landed[at : at + 20])
        platform.land()
        platform.stop()
        flip(segments(platform)[-1], b"landed-77")
        shutil.rmtree(platform.project / "data/state")   # the start reads all of the log
        platform.start()
        _, text = readyz(platform)
        checks.check("flipped: up starts, and /readyz tells", text.startswith("ready\n") and "it lost 1 records\n" in text, text)
        checks.check("flipped: the bytes are kept", list((platform.project / "data/log/quarantine").glob("*.seg")) != [], "")
        again = send(platform, landed)
        checks.check("flipped: what it was is still known", again["duplicates"] == 200, again)
        more = likes("more", 10)
        send(platform, more)
        platform.land()
        all_once(checks, "flipped", platform, names(landed + more))
        unlanded = likes("unlanded", 10)
        send(platform, unlanded[:5])
        send(platform, unlanded[5:])
        kill(platform)
        flip(segments(platform)[-1], b"unlanded-3")
        refused = platform.try_verb("up")
        checks.check("flipped before it landed: up names the record", refused.returncode == 1 and "record 213 of partition 0 is damaged and not in the lake" in refused.stderr
                     and "feedmill log repair" in refused.stderr, refused.stderr)
        done = log_verb(platform, "repair")
        checks.check("flipped before it landed: repair goes through", done.returncode == 0 and '"lost":[[213,213]]' in done.stdout, done.stdout + done.stderr)
        platform.start()
        again = send(platform, unlanded)
        checks.check("flipped before it landed: the lost one is accepted again", again["accepted"] == 1 and again["duplicates"] == 9, again)
        platform.land()
        all_once(checks, "flipped before it landed", platform, names(landed + more + unlanded))
    finally:
        platform.stop()


def readyz(platform: Platform) -> tuple[int, str]:
    done = subprocess.run(["curl", "-s", "-w", "%{http_code}", f"http://127.0.0.1:{platform.port}/readyz"], capture_output=True, text=True)
    return int(done.stdout[-3:]), done.stdout[:-3]


def not_ready_within(platform: Platform, seconds: float) -> str:
    end = time.monotonic() + seconds
    text = ""
    while time.monotonic() < end:
        status, text = readyz(platform)
        if status == 503:
            return text
        time.sleep(0.1)
    return "still ready: " + text


def folder_gone(checks: Checks, folder: pathlib.Path) -> None:
    platform = Platform(folder / "gone")
    try:
        platform.start()
        send(platform, likes("before", 5))
        data = platform.project / "data"
        data.rename(folder / "away")
        text = not_ready_within(platform, 5)
        checks.check("gone: /readyz says so within 5 s", text.startswith("not ready\n") and "event log: " in text, text)
        status, answer = platform.call("POST", "/v1/batch", {"batch": likes("gone", 1)}, "write")
        checks.equal("gone: events are refused", status, 503)
        checks.check("gone: feeds answer", platform.call("POST", "/v1/feed", {"user_id": "u1"}, "read")[0] == 200)
        (folder / "away").rename(data)
        end = time.monotonic() + 15
        while readyz(platform)[0] != 200 and time.monotonic() < end:
            time.sleep(0.1)
        send(platform, likes("back", 5))
        platform.land()
        all_once(checks, "gone and back", platform, names(likes("before", 5) + likes("back", 5)))
    finally:
        platform.stop()


def full_disk(checks: Checks, folder: pathlib.Path) -> None:
    mount = folder / "small"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", mount], capture_output=True, text=True)
    if made.returncode != 0:
        print(f"skip full disk: no file system of its own can be mounted here: {made.stderr.strip()}", flush=True)
        return
    platform = Platform(folder / "full", f"data.folder={mount}/data")
    filler = mount / "filler"
    try:
        (platform.project / "data").symlink_to(mount / "data")
        platform.start()
        before = likes("before", 50)
        send(platform, before)
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4096)
            except OSError:
                pass
        text = not_ready_within(platform, 5)
        checks.check("full: /readyz says so within 5 s", "No space left on device" in text, text)
        answers = [platform.call("POST", "/v1/batch", {"batch": likes("full", 400, at)}, "write")[0] for at in range(0, 4000, 400)]
        checks.check("full: events are refused in the end", answers[-1] == 503, answers)
        kept = [i for at, status in enumerate(answers) if status == 200 for i in names(likes("full", 400, at * 400))]
        kill(platform)
        start_not_ready(platform)
        checks.check("full: feeds answer after kill -9", platform.call("POST", "/v1/feed", {"user_id": "u1"}, "read")[0] == 200)
        status, answer = platform.call("POST", "/v1/batch", {"batch": likes("refused", 400)}, "write")
        checks.equal("full: ingest is 503 after kill -9", status, 503)
        filler.unlink()
        end = time.monotonic() + 15
        while readyz(platform)[0] != 200 and time.monotonic() < end:
            time.sleep(0.1)
        after = likes("after", 50)
        send(platform, after)
        platform.land()
        all_once(checks, "full and not any more", platform, names(before + after) + kept)
    finally:
        platform.stop()
        subprocess.run(["umount", "-l", mount])


def read_only(checks: Checks, folder: pathlib.Path) -> None:
    """A volume that cannot be written: verbs say so, and a fork reads it. Then one that is full at the first start there."""
    platform = Platform(folder / "volume")
    mount = folder / "read-only"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "feedmill-volume", mount], capture_output=True).returncode:
        print("     read_only: no right to mount a file system here; left out", flush=True)
        return
    try:
        platform.start()
        events = likes("kept", 50)
        send(platform, events)
        platform.land()
        platform.stop()
        shutil.copytree(platform.project, mount / "app")
        platform.project = mount / "app"
        filler = mount / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        full = platform.try_verb("up")
        checks.check("a start on a full disk names space", full.returncode == 1 and "space" in full.stderr.splitlines()[-1], full.stderr)
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        for verb, *words in (("query", "SELECT 1"), ("verify",), ("tables",), ("status",), ("up",)):
            told = platform.try_verb(verb, *words)
            checks.check(f"{verb} of a read-only project says so", told.returncode == 1 and "feedmill fork" in told.stderr and "Read-only" in told.stderr, told.stderr)
        forked = subprocess.run([FEEDMILL, "fork", platform.project, folder / "writable"], capture_output=True, text=True)
        checks.equal("a read-only project can be forked", (forked.returncode, forked.stderr[-500:] if forked.returncode else ""), (0, ""))
        platform.project = folder / "writable"
        all_once(checks, "forked from a read-only volume", platform, names(events))
    finally:
        platform.stop()
        subprocess.run(["umount", "-l", mount])


def short_of_means(checks: Checks, folder: pathlib.Path) -> None:
    """So little address space that memory or threads are refused: a line says so, nothing hangs, nothing is lost."""
    platform = Platform(folder / "means")
    try:
        platform.start()
        events = likes("means", 200)
        send(platform, events)
        platform.stop()
        for mib in (150, 300):
            command = [str(word) for word in platform.command("up", "--set", "http.port=0")]
            script = f'ulimit -v {mib * 1024}; exec "$@"'
            done = subprocess.run(["bash", "-c", script, "feedmill"] + command, capture_output=True, text=True, timeout=120)
            checks.check(f"{mib} MiB of address space: told and ended", done.returncode == 1 and "ulimit -v" in done.stderr, (done.returncode, done.stderr[-500:]))
        few = subprocess.run(["bash", "-c", 'ulimit -n 8; exec "$@"', "feedmill"] + command, capture_output=True, text=True, timeout=120)
        checks.check("8 open files: told and ended", few.returncode == 1 and "open files" in few.stderr, (few.returncode, few.stderr[-500:]))
        platform.start()
        platform.land()
        platform.stop()
        all_once(checks, "short of means", platform, names(events))
        odd = Platform(folder / "odd")
        odd.project = odd.project.rename(folder / "odd[1]")
        told = odd.try_verb("up")
        checks.check("a path that the engine takes for a pattern is refused", told.returncode == 1 and "allowed is all but" in told.stderr, told.stderr)
    finally:
        platform.stop()


def start_not_ready(platform: Platform) -> None:
    """As Platform.start, for a server that answers and is not ready."""
    log = open(platform.project / "server.log", "ab")
    platform.process = subprocess.Popen([str(a) for a in platform.command("up", "--set", f"http.port={platform.port}")], stdout=log, stderr=log)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if platform.process.poll() is not None:
            raise RuntimeError(f"the server ended: {platform.server_log()[-2000:]}")
        try:
            platform.call("GET", "/healthz")
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not answer")


def secrets(checks: Checks, folder: pathlib.Path) -> None:
    """What is personal or secret is its owner's alone, and keys are not in a server's log."""
    platform = Platform(folder / "secrets")
    try:
        (platform.project / "data").mkdir(mode=0o755)   # as the first release made it
        platform.start()
        send(platform, likes("secret", 20))
        platform.land()
        keys = [key for name, key in platform.keys.items() if name in ("write", "import", "read", "admin")]
        platform.stop()
        checks.check("keys are shown on terminals only", len(keys) == 4 and not any(key in platform.server_log() for key in keys), platform.server_log()[:500])
        open_to_others = [str(path) for path in [platform.project / "data", *(platform.project / "data").rglob("*")] if path.stat().st_mode & 0o077]
        checks.check("files and folders of the data folder are the owner's alone", not open_to_others, open_to_others[:10])
    finally:
        platform.stop()


def main() -> None:
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="feedmill-log-") as name:
        folder = pathlib.Path(name)
        checks.part(short_log, checks, folder, False)
        checks.part(short_log, checks, folder, True)
        checks.part(flipped_bit, checks, folder)
        checks.part(folder_gone, checks, folder)
        checks.part(secrets, checks, folder)
        checks.part(full_disk, checks, folder)
        checks.part(read_only, checks, folder)
        checks.part(short_of_means, checks, folder)
    checks.finish()


if __name__ == "__main__":
    main()
