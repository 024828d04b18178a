"""The night of the month: the nightly with what happens around it, and what is checked afterwards."""

import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

from app import in_background
from ledger import Account, compare
from table_files import named_files
from world import text_of

DAY = datetime.timedelta(days=1)
NIGHT_SECONDS_MAX = 600          # a bound on runaways, not a measurement
MEMORY_MB_MAX = 1500             # of the server, at this size
DISK_BYTES_AN_EVENT_MAX = 6000   # of the data folder, beside DISK_FLOOR
DISK_FLOOR = 400 << 20
FILES_MAX = 60_000
VOLUME = "1500m"                 # of the small disk that runs full
HARMLESS = "only former versions need it"   # as verify says of a damaged file, which is no failure then
NO_SOURCE = "restore a backup"   # as it says of one that nothing holds a second time
MODEL_NIGHTS_MIN = 2             # nights before the model's pages are judged

# Why an event of the raw table is no row of dwd_user_action: the product's own account.
LEFT_OUT = """SELECT o.event_id, CASE WHEN o.event IS NULL OR o.event = '' THEN 'no_action' WHEN o.is_bot THEN 'bot' ELSE 'waiting' END AS reason FROM ods_event o LEFT JOIN dwd_user_action a ON a.event_id = o.event_id WHERE a.event_id IS NULL"""


class Night:
    def __init__(self, month):
        self.month = month
        self.app, self.platform, self.world = month.app, month.platform, month.world
        self.random = month.app.random
        self.account = Account()
        self.seconds = self.seconds_max = 0.0
        self.features_replayed = 0
        self.memory_mb_max = 0
        self.disk_mb = 0
        self.mounted: list[pathlib.Path] = []
        self.moves = 0
        self.run_options: set[str] = set()

    @property
    def findings(self) -> list[str]:
        return self.month.findings

    def fault(self, text: str) -> None:
        self.findings.append(text)

    def live(self, day: int, happenings: list) -> None:
        """What happens before the run, then the run with whatever happens beside it."""
        self.run_options = set()
        for disorder in happenings:
            self.app.disorder = disorder.__name__
            self.month.say(f"night {day}: {disorder.__name__}: {disorder(self)}")
        self.app.disorder = ""
        self.run(day)

    def until(self, day: int) -> str:
        return text_of(self.month.begin + (day + 1) * DAY)

    def command(self, day: int, *arguments) -> list:
        return self.platform.command("run", "--url", f"http://127.0.0.1:{self.platform.port}", "--until", self.until(day), *arguments)

    def run(self, day: int) -> None:
        self.app.ledger.night = day + 1
        if "two" in self.run_options:
            return self.run_two(day)
        stop = threading.Event()
        senders = [threading.Thread(target=self.keep_sending, args=(stop,))] if "events" in self.run_options else []
        running = in_background(self.command(day))
        for sender in senders:
            sender.start()
        try:
            if "kill" in self.run_options:
                running = self.kill_and_resume(day, running)
            self.ended(running)
        finally:
            stop.set()
            for sender in senders:
                sender.join()

    def ended(self, running: subprocess.Popen, must: bool = True) -> tuple[int, str]:
        try:
            out, err = running.communicate(timeout=NIGHT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
            out, err = running.communicate()
            err += f"\nended after {NIGHT_SECONDS_MAX} s"
        if running.returncode and must:
            self.fault(f"the run failed ({running.returncode}): {' | '.join(err.strip().splitlines()[-12:])}")
        return running.returncode, out + err

    def keep_sending(self, stop: threading.Event) -> None:
        """Events beside the run, of yesterday and of now, landed as they come."""
        while not stop.is_set():
            for person in self.random.sample(self.world.people, 5):
                post = self.random.choice(list(self.world.posts))
                self.app.message("post_view", person.id, {"post_id": post}, at=self.platform.now - DAY * self.random.random())
                self.app.message("follow", person.id, {"target_user_id": self.random.choice(self.world.authors)}, at=self.platform.now - DAY * self.random.random() * 0.9)
            self.app.flush()
            self.platform.land()
            stop.wait(0.3)

    def run_two(self, day: int) -> None:
        """Both at once: one does it; the other says who does."""
        ends = [self.ended(running, must=False) for running in [in_background(self.command(day)), in_background(self.command(day))]]
        codes = sorted(code for code, _ in ends)
        if codes[0] != 0:
            self.fault(f"two runs at once, none succeeded: {[text[-600:] for _, text in ends]}")
        for code, text in ends:
            if code and "another" not in text:
                self.fault(f"two runs at once, the refused one does not say why: {text[-800:]}")

    def kill_and_resume(self, day: int, running: subprocess.Popen) -> subprocess.Popen:
        time.sleep(self.random.uniform(0.3, 6))
        running.kill()
        running.communicate()
        return in_background(self.command(day))   # an ordinary run next, as a scheduler would start it

    # The folder.

    def volume(self, path: pathlib.Path) -> bool:
        """A small disk of its own at `path`, if this machine lets us mount one."""
        path.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME}", "tmpfs", str(path)], stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            self.mounted.append(path)
        return done.returncode == 0

    def release(self) -> None:
        for path in reversed(self.mounted):
            subprocess.run(["umount", "-l", str(path)], check=False)
        self.mounted.clear()

    def free(self) -> int:
        return shutil.disk_usage(self.platform.project / "data").free


# What happens around a night. Each returns what it did.


def events_in_run(night: Night) -> str:
    """Events keep coming and landing while the tables are made."""
    night.run_options.add("events")
    return "events of the last day keep landing during the run"


def two_runs(night: Night) -> str:
    """A person and the scheduler start the nightly at the same moment."""
    night.run_options.add("two")
    return "two runs are started at once"


def killed_run(night: Night) -> str:
    """The nightly is killed somewhere; the next run goes on."""
    night.run_options.add("kill")
    return "the run is killed and started again"


def killed_server(night: Night) -> str:
    """The server is killed just before the night."""
    night.platform.kill()
    night.platform.start()
    return "kill -9 of the server"


def moved(night: Night) -> str:
    """The project is restored into another folder, and the old one is gone."""
    night.platform.stop()
    night.moves += 1
    old = night.platform.project
    new = night.month.folder / f"moved-{night.moves}" / "app"
    new.parent.mkdir(parents=True)
    shutil.copytree(old, new, symlinks=True)
    night.release()
    shutil.rmtree(old)
    night.platform.project = new
    night.platform.start()
    return f"copied to {new.parent.name}/, the original deleted"


def disk_full(night: Night) -> str:
    """The disk runs full for an hour, with a kill in the middle. Feeds answer, events are refused with 503 until there is space."""
    platform = night.platform
    platform.stop()
    data = platform.project / "data"
    if data not in night.mounted and not onto_small_disk(night, data):
        platform.start()
        return "not possible here: no small disk can be mounted"
    platform.start()
    fill(data / "ballast")
    name = f"full-{night.month.seed}-{platform.now.isoformat()}-{len(night.app.ledger.events)}"
    statuses = [platform.call("POST", "/v1/track", {"event": "app_open", "userId": "full", "messageId": f"{name}-{n}",
                                                   "properties": {"pad": "x" * 20_000}}, "write")[0] for n in range(60)]
    refused = [status for status in statuses if status != 200]
    for number, status in enumerate(statuses):
        if status == 200:
            night.app.ledger.note(f"{name}-{number}", "kept", platform.now, "disk_full")
            night.app.ledger.acknowledge([f"{name}-{number}"])
    if not refused:
        night.fault("a full disk: no event was refused")
    elif set(refused) != {503}:
        night.fault(f"a full disk: events were answered {sorted(set(statuses))}")
    platform.kill()
    platform.start("/healthz")   # it answers, and says that it is not ready
    if platform.call("GET", "/readyz")[0] != 503:
        night.fault("a full disk: the server says that it is ready")
    answer = night.app.feed(night.world.people[0].id, "home")
    if not answer["items"] and night.app.day > MODEL_NIGHTS_MIN:
        night.fault("a full disk: the feed is empty")
    (data / "ballast").unlink()
    back = time.monotonic()
    night.app.message("app_open", "full-no-more", {})
    night.app.flush()
    return f"{len(refused)} of {len(statuses)} events refused, killed and started while full; taken again {time.monotonic() - back:.1f} s after there was space"


def onto_small_disk(night: Night, data: pathlib.Path) -> bool:
    aside = data.with_name("data.aside")
    data.rename(aside)
    if not night.volume(data):
        data.rmdir()
        aside.rename(data)
        return False
    shutil.copytree(aside, data, dirs_exist_ok=True)
    shutil.rmtree(aside)
    return True


def fill(path: pathlib.Path) -> None:
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def flipped_bit(night: Night) -> str:
    """A disk flips one bit of a data file. Nothing wrong is ever served: whoever reads the file names it; the way out is followed."""
    platform = night.platform
    files = sorted(path for path in (platform.project / "data/lake").rglob("*.parquet") if path.stat().st_size > 500 and path.name not in platform.former)
    path = night.random.choice(files)
    table = next(folder for folder in path.parents if folder.name == "data").parent.name
    if path.name not in named_files(platform, table):
        return f"not of {path.name}: a rebuild or a killed step left it, and no version names it"
    platform.stop()
    backup = path.read_bytes()
    data = bytearray(backup)
    place = night.random.randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    found = platform.try_verb("verify")
    text = found.stdout + found.stderr
    said = "".join(text.partition(path.name)[2].splitlines()[1:2])   # other files may be damaged too
    if path.name not in text or (found.returncode == 0 and HARMLESS not in said):
        night.fault(f"a flipped bit in {path.name} is not found by verify: {found.returncode} {text[-400:]}")
    way_out = heal(night, path, backup)
    platform.start()
    night.run_options.add("heal")
    return f"bit {place % 8} of byte {place // 8} of {path.name}{way_out}"


def heal(night: Night, path: pathlib.Path, backup: bytes) -> str:
    """Heals, or does what is left to a person: the command that is named, or a backup of what nothing holds a second time."""
    done = night.platform.try_verb("verify", "--heal")
    if done.returncode == 0:
        return ""
    commands = re.findall(r"`(feedmill (?:rebuild|lake recover) [^`]*)`", done.stderr)
    if commands:
        followed = night.platform.follow(commands[0])
        if followed.returncode:
            night.fault(f"the advice does not work: {commands[0]}: {followed.stderr[-800:]}")
        return f", {commands[0].split(' --project')[0]}"
    if NO_SOURCE not in done.stderr:
        night.fault(f"verify --heal names no way out for {path.name}: {done.stderr[-800:]}")
    path.write_bytes(backup)
    return ", restored from a backup"


def clock_jump(night: Night) -> str:
    """The machine's clock jumps ten days ahead for a few minutes, while people go on; then it is set right."""
    platform, app = night.platform, night.app
    right = platform.now
    platform.good("POST", "/v1/admin/clock", {"now": text_of(right + 10 * DAY), "jump": True}, "admin")
    people = night.random.sample(night.world.people, 5)
    for person in people:
        app.message("app_open", person.id, {})
    app.flush()
    platform.good("POST", "/v1/admin/clock", {"now": text_of(right), "jump": True}, "admin")
    answer = app.feed(people[0].id, "home")
    if not answer["items"] and app.day > MODEL_NIGHTS_MIN:
        night.fault("after a clock that jumped ahead and back the feed is empty")
    return f"{len(people)} events while the clock was ten days ahead"


def lost_log(night: Night) -> str:
    """Somebody deletes the log when all of it has landed; the way out that the refusal names is followed."""
    platform = night.platform
    platform.land()
    platform.stop()
    shutil.rmtree(platform.project / "data/log")
    refused = platform.try_verb("up")
    if refused.returncode == 0 or "feedmill log reset --after-landed" not in refused.stderr:
        night.fault(f"a deleted log: {refused.returncode} {refused.stderr[-400:]}")
    platform.verb("log reset", "--after-landed")
    platform.start()
    return "the log was deleted, and reset above what had landed"


BY_NIGHT = [events_in_run, two_runs, killed_run, killed_server, moved, disk_full, flipped_bit, clock_jump, lost_log]


# What must hold after a night.


def check_night(night: Night, day: int) -> None:
    night.seconds_max = max(night.seconds_max, night.seconds)
    for check in (check_account, check_refused, check_bounds, check_feeds, check_healed):
        check(night)
    if day % 3 == 2 or day == night.month.nights - 1:
        check_features(night)
    if day >= MODEL_NIGHTS_MIN:
        night.app.judge()
    if day == night.month.nights - 1:
        check_model(night)


def check_account(night: Night) -> None:
    platform = night.platform
    actions = {row["event_id"]: row["n"] for row in platform.query("SELECT event_id, CAST(count(*) AS BIGINT) AS n FROM dwd_user_action GROUP BY event_id")}
    left_out = {row["event_id"]: row["reason"] for row in platform.query(LEFT_OUT)}
    account = compare(night.app.ledger, night.app.day, actions, left_out, night.month.begin + (night.app.day + 1) * DAY)
    for what in ("lost", "duplicated", "unexplained"):
        found = getattr(account, what)
        if set(found) - set(getattr(night.account, what)):
            night.fault(f"{len(found)} {what}, for instance {found[:3]}")
    night.account = account


def check_refused(night: Night) -> None:
    night.platform.land()
    kept = {row["rule"]: row["n"] for row in night.platform.query("SELECT rule, CAST(count(*) AS BIGINT) AS n FROM ods_event_rejected GROUP BY rule")}
    if kept != dict(night.app.ledger.refused):
        night.fault(f"refused events: the table counts {kept}, we sent {dict(night.app.ledger.refused)}")


def size_of(path: pathlib.Path) -> int | None:
    """Of a file; nothing for a folder, or what is gone meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else None
    except FileNotFoundError:
        return None


def check_bounds(night: Night) -> None:
    data = night.platform.project / "data"
    sizes = [size for size in map(size_of, data.rglob("*")) if size is not None]
    size = sum(sizes)
    night.disk_mb = size >> 20
    if size > DISK_FLOOR + DISK_BYTES_AN_EVENT_MAX * len(night.app.ledger.events):
        night.fault(f"the data folder has {size >> 20} MB for {len(night.app.ledger.events)} events")
    if len(sizes) > FILES_MAX:
        night.fault(f"the data folder has {len(sizes)} files")
    status = pathlib.Path(f"/proc/{night.platform.process.pid}/status").read_text()
    memory = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) >> 10
    night.memory_mb_max = max(night.memory_mb_max, memory)
    if memory > MEMORY_MB_MAX:
        night.fault(f"the server had {memory} MB")


def check_feeds(night: Night) -> None:
    late = night.app.feeds_late
    if late:
        night.fault(f"{len(late)} feeds were late without a word, for instance {late[:2]}")
        late.clear()
    if night.app.feeds_wrong:
        night.fault(f"{len(night.app.feeds_wrong)} feeds show what was taken away or is by who is blocked, for instance {night.app.feeds_wrong[:2]}")
        night.app.feeds_wrong.clear()
    if night.app.day > MODEL_NIGHTS_MIN:
        empty = [person.id for person in night.random.sample(night.world.people, 10) if not night.app.feed(person.id, "home")["items"]]
        if empty:
            night.fault(f"empty pages for {empty}")


def check_healed(night: Night) -> None:
    """What is derived is made again by the night; what only former versions of a table hold goes with them."""
    if "heal" not in night.run_options:
        return
    done = night.platform.try_verb("verify")
    if done.returncode:
        night.fault(f"a flipped bit is not healed: {done.stderr[-800:]}")


def check_features(night: Night) -> None:
    night.platform.stop()
    found = night.platform.verb("verify-features")
    night.platform.start()
    night.features_replayed = max(night.features_replayed, found["values"])
    if found["different"] or (found["requests"] and not found["values"]):
        night.fault(f"features replayed: {found}")


def check_model(night: Night) -> None:
    worth = {scene: sum(found) / len(found) for scene, found in night.app.page_worth.items() if found}
    if worth and worth["home"] < worth["trending"]:
        night.fault(f"the model's pages are worth {worth['home']:.3f} expected clicks, trending's {worth['trending']:.3f}")


# Real faults, planted: each must fail its night, and the night after it, mended, must succeed.

PLANTED = {
    "a doubled row": ("LEFT JOIN dim_user u ON", "LEFT JOIN (SELECT * FROM dim_user UNION ALL SELECT * FROM dim_user WHERE user_key = 3) u ON"),
    "a lost row": ("LEFT JOIN dim_user tu ON tu.user_id = a.target_user_id", "LEFT JOIN dim_user tu ON tu.user_id = a.target_user_id WHERE a.log_offset % 50 <> 7"),
}


def plant_faults(night: Night) -> None:
    path = night.platform.project / "warehouse/dwd/dwd_user_action.sql"
    good = path.read_text()
    day = night.month.nights - 1
    for name, (sound, planted) in PLANTED.items():
        bad = good.replace(sound, planted)
        if bad == good:
            night.fault(f"{name} could not be planted")
            continue
        path.write_text(bad)
        code, text = night.ended(in_background(night.command(day)), must=False)
        path.write_text(good)
        if code == 0 or "rule" not in text:
            night.fault(f"{name} was published, or the run failed for another reason: {text[-600:]}")
        night.month.say(f"planted {name}: the run {'failed as it must' if code else 'SUCCEEDED'}: {' | '.join(text.strip().splitlines()[-3:])[:300]}")
    night.run(day)
    check_account(night)


__all__ = ["BY_NIGHT", "Night", "check_night", "json", "plant_faults"]
