#!/usr/bin/env python3
"""Gives the commands of docs/guides/*.md and of the examples as they stand there, in a small project that has lived a few days.

An indented block whose lines all begin with a command is for the shell; every line of it must succeed. What a block of another kind is
used for, and what is not run here and why, stands below: a block that nobody knows fails. Commands within the text are not run; their
verbs and options must exist. Paths of a real machine (/backup, /srv, /var/lib) lie in a temporary folder instead.
"""

import datetime
import gzip
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests/readme"))

from local_platform import BUILD, FEEDMILL, Checks, free_port  # noqa: E402
from readme import Shell  # noqa: E402

GUIDES = ROOT / "docs/guides"
PAGES = [*sorted(GUIDES.glob("*.md")), ROOT / "examples/README.md", ROOT / "examples/browser/README.md"]
COMMANDS = {"feedmill", "export", "python3", "(cd", "cd", "mv", "cp", "zcat", "diff", "duckdb", "sudo", "systemctl", "podman", "make"}
# First words of lines that need what a test has not.
NOT_HERE = {"sudo": "root", "systemctl": "a service manager", "podman": "a container engine", "make": "hours (make demo-real, make test-interop)",
            "(cd": "packages from the network; tests/interop delivers by the same library", "cd": "likewise",
            "duckdb": "DuckDB's own shell, and its extension from the network; tests/interop reads by it"}
# Lines that need more than a project that lives: by whom they are proved.
ELSEWHERE = {"feedmill run --resume ID": "tests/nights/run.sh"}
# Blocks that are no commands: guide -> words of its first line -> the file that it is, "" when it is only shown.
SHOWN = {
    "add-a-model.md": {"-- model: dws_post_daily": "myapp/warehouse/dws/dws_post_daily.sql"},
    "add-an-action.md": {"[action.boost]": "", "[[feature]]": ""},   # tests/own_words writes them
    "browsers.md": {"import { AnalyticsBrowser }": "", "new Analytics(": ""},          # tests/interop delivers by it
    "import.md": {'{"type":"track"': "one.jsonl", "separator =": "clicks.toml"},
    "read-tables.md": {"INSTALL iceberg": "", "import subprocess": "", "spark.read": ""},  # tests/interop reads by them
    "real-data.md": {'{"hit20"': ""},
    "tls.md": {"[http]": "", "SSL_CERT_FILE=": ""},   # tests/tls does it
}
# Written from real answers by a test of its own.
WRITTEN = {"errors.md"}
# Commands within the text that are given too, in order.
INLINE = {
    "add-a-model.md": ["feedmill config check --project myapp", "feedmill plan --project myapp"],
    "import.md": ["feedmill run --project myapp"],
    "move-copy-restore.md": ["feedmill verify --project myapp"],
    "upgrade.md": ["feedmill config check --project DIR", "feedmill fork DIR DIR-before", "feedmill doctor --project DIR", "feedmill init fresh", "cp -r fresh/warehouse fresh/events myapp/"],
}
IN_PROJECT = {"nights.md"}   # commands without --project, given where the project is
SERVED = {"examples/README.md"}   # the page supposes a server that runs


def lines_of_life() -> list[dict]:
    """A few people on a few days up to yesterday."""
    begin = datetime.datetime.now(datetime.UTC).replace(hour=8, minute=0, second=0, microsecond=0) - datetime.timedelta(days=4)
    events = []

    def add(event: str, user: str, properties: dict, day: int, minute: int) -> None:
        at = begin + datetime.timedelta(days=day, minutes=minute)
        events.append({"type": "track", "event": event, "userId": user, "messageId": f"m{len(events)}", "timestamp": at.isoformat().replace("+00:00", "Z"), "properties": properties})

    for day in range(3):
        for post in range(4):
            add("post_create", f"author{post}", {"post_id": f"p{day}-{post}", "topic": "music", "title": "Scales", "text_length": 90}, day, post)
        for user in range(12):
            add("feed_impression", f"u{user}", {"post_id": f"p{day}-{user % 4}", "request_id": f"r{day}-{user}", "position": 0, "scene": "home"}, day, 20 + user)
            add("post_click", f"u{user}", {"post_id": f"p{day}-{user % 4}", "request_id": f"r{day}-{user}", "position": 0, "scene": "home"}, day, 21 + user)
            add("follow", f"u{user}", {"target_user_id": f"author{(user + day) % 4}"}, day, 60 + user)
    return events


class Scratch:
    """A folder per guide, with a project in it that was forked from one that lived."""

    def __init__(self, place: pathlib.Path):
        self.place = place
        self.count = 0
        self.live(place / "lived/myapp")

    def feedmill(self, *words: object) -> None:
        done = subprocess.run([str(FEEDMILL), *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr[-2000:]}")

    def live(self, project: pathlib.Path) -> None:
        project.parent.mkdir()
        self.feedmill("init", project)
        port = free_port()
        server = subprocess.Popen([FEEDMILL, "up", "--project", project, "--set", f"http.port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            events = project.parent / "events.jsonl"
            events.write_text("".join(json.dumps(event) + "\n" for event in lines_of_life()))
            for _ in range(100):
                done = subprocess.run([str(FEEDMILL), "import", str(events), "--project", str(project)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
                if done.returncode == 0:
                    break
            self.feedmill("run", "--project", project)
        finally:
            server.terminate()
            server.wait(120)

    def fresh(self) -> pathlib.Path:
        self.count += 1
        folder = self.place / f"scratch-{self.count}"
        folder.mkdir()
        for name in ("backup", "srv", "var"):
            (folder / name).mkdir()
        self.feedmill("fork", self.place / "lived/myapp", folder / "myapp")
        settings = folder / "myapp/feedmill.toml"
        settings.write_text(settings.read_text().replace("port = 8080", f"port = {free_port()}"))
        (folder / "examples").symlink_to(ROOT / "examples")
        text = (self.place / "lived/events.jsonl").read_text()
        (folder / "events.jsonl").write_text(text)
        with gzip.open(folder / "old.jsonl.gz", "wt") as old:
            old.write(text.replace('"messageId": "m', '"messageId": "old-'))
        (folder / "clicks.csv").write_text("id,user,when,post,pos\n1,u1,1767600000,p0-1,0\n2,u2,1767600060,p0-2,\n")
        return folder


def blocks(text: str) -> list[list[str]]:
    found: list[list[str]] = []
    for before, line in zip([""] + text.splitlines(), text.splitlines()):
        if line.startswith("    "):
            if not before.startswith("    ") and (before or not found or not found[-1] or found[-1][-1] != ""):
                found.append([])
            found[-1].append(line[4:])
        elif not line and before.startswith("    "):
            found[-1].append("")   # a block may have an empty line
        elif line and found and found[-1] and found[-1][-1] == "":
            found[-1].pop()
            found.append([])
    return [[line for line in block] for block in found if any(block)]


def command_of(line: str) -> str:
    return re.sub(r"\s+# .*$", "", line).strip()


class Guide:
    def __init__(self, checks: Checks, scratch: Scratch, path: pathlib.Path):
        self.checks, self.scratch, self.path = checks, scratch, path
        self.name = path.name if path.parent == GUIDES else str(path.relative_to(ROOT))
        self.text = path.read_text()
        self.folder = scratch.fresh()
        self.shell: Shell | None = None

    def run(self) -> None:
        try:
            found = [[line for line in block if line] for block in blocks(self.text)]
            for block in found:
                self.file(block)   # before the commands that read it
            if self.name in SERVED:
                self.give("feedmill up --project myapp &")
            for block in found:
                self.block(block)
            for command in INLINE.get(self.name, []):
                self.checks.check(f"{self.name} says {command}", f"`{command}`" in self.text)
                self.give(command)
        finally:
            self.close()

    def shown(self, block: list[str]) -> str | None:
        return next((file for first, file in SHOWN.get(self.name, {}).items() if block[0].startswith(first)), None)

    def file(self, block: list[str]) -> None:
        file = self.shown(block)
        if file:
            (self.folder / file).write_text("\n".join(block) + "\n")

    def block(self, block: list[str]) -> None:
        if all(line.split()[0] in COMMANDS for line in block):
            for line in block:
                self.give(command_of(line))
        elif self.shown(block) is None:
            self.unknown(block)

    def unknown(self, block: list[str]) -> None:
        self.checks.check(f"{self.name}: what this block is, stands in tests/guides/guides.py", False, block[0])

    def give(self, command: str) -> None:
        word = command.split()[0]
        if word in NOT_HERE or command in ELSEWHERE:
            print(f"skip {self.name}: {command[:80]} ({NOT_HERE.get(word) or ELSEWHERE[command]})")
            return
        self.ready_for(command)
        if command.startswith("feedmill rebuild") and "--yes" not in command:
            command += " --yes"   # as the page says of a pipe
        code, output = self.opened().run(command, lambda text: "Serving" in text)
        serves = not command.endswith("&") or "Serving" in output
        self.checks.check(f"{self.name}: {command[:100]}", code == 0 and serves, f"{code}: {output[-1500:]}")

    def ready_for(self, command: str) -> None:
        """What the text above a command supposes."""
        if command.startswith(("mv ", "cp -r myapp")) and not (self.folder / "myapp").exists():
            self.close()
            self.folder = self.scratch.fresh()   # the line before has moved it away
        if command.startswith("feedmill lake recover"):
            self.close()
            self.folder = self.scratch.fresh()
            for part in (self.folder / "myapp/data").glob("meta.db*"):
                part.unlink()

    def opened(self) -> Shell:
        if self.shell is None:
            moved = {name: f"{self.folder}{name}" for name in ("/backup/", "/srv/")}
            there = str(self.folder / "myapp")
            port = re.search(r"port = (\d+)", (self.folder / "myapp/feedmill.toml").read_text()).group(1)
            self.shell = Shell(there if self.name in IN_PROJECT else self.folder, {**moved, "127.0.0.1:8080": f"127.0.0.1:{port}", "/var/lib/feedmill/app": there, "DIR-before": f"{there}-before", "DIR": there})
            self.shell.run(f"export PATH={BUILD}/bin:$PATH", None)
        return self.shell

    def close(self) -> None:
        if self.shell is not None:
            self.shell.close()
            self.shell = None
        shutil.rmtree(self.folder, ignore_errors=True)


def words_exist(checks: Checks) -> None:
    """Verbs and options of commands within the text of every page."""
    helps: dict[tuple, str] = {}

    def help_of(verb: tuple) -> str:
        if verb not in helps:
            done = subprocess.run([str(FEEDMILL), *verb, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            helps[verb] = done.stdout if done.returncode == 0 else ""
        return helps[verb]

    wrong = []
    count = 0
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]:
        for command in re.findall(r"`feedmill ([^`]*)`", page.read_text()):
            words = command.replace("\n", " ").split()
            if words[0].startswith("-"):
                continue
            verb = next((tuple(words[:length]) for length in (2, 1) if len(words) >= length and all(re.fullmatch(r"[a-z-]+", word) and not word.startswith("-") for word in words[:length])
                         and help_of(tuple(words[:length]))), None)
            count += 1
            if verb is None:
                wrong.append((page.name, command, "no such verb"))
                continue
            wrong += [(page.name, command, option) for option in re.findall(r"(?<!\S)--[a-z-]+", command) if option not in help_of(verb) and option != "--help"]
    checks.check("pages name commands", count > 40, count)
    checks.equal("verbs and options that pages name and nobody knows", wrong, [])


def main() -> None:
    checks = Checks()
    checks.part(words_exist, checks)
    with tempfile.TemporaryDirectory(prefix="feedmill-guides-") as place:
        scratch = Scratch(pathlib.Path(place).resolve())
        for path in PAGES:
            if path.name not in WRITTEN:
                checks.part(Guide(checks, scratch, path).run)
    checks.finish()


if __name__ == "__main__":
    main()
