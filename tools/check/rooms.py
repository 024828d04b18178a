#!/usr/bin/env python3
"""The room graph: who includes whom, against tools/rooms.txt; private headers; a README and a build file per room."""

import dataclasses
import re
import sys

from repository import TEST_SUFFIXES, Finding, Repository, run

TABLE = "tools/rooms.txt"
GROUND = ("base", "io", "data")
README_LINES_MAX = 30
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
DEPS = re.compile(r"\b(TEST_)?DEPS\b([^)]*?)(?=\bLIBS\b|\bTEST_LIBS\b|\bDEPS\b|\bTEST_DEPS\b|\bMAIN\b|\))", re.DOTALL)
ONE_WAY = "rooms stand in one direction, so that each can be read, tested and replaced without those above it"


@dataclasses.dataclass
class Room:
    line: int
    may: set[str]
    any_room: bool


def read_table(repository: Repository) -> tuple[dict[str, Room], list[Finding]]:
    rooms: dict[str, Room] = {}
    findings = []
    for number, line in enumerate(repository.lines(TABLE), 1):
        if not line.strip() or line.startswith("#"):
            continue
        left, bar, why = line.partition("|")
        name, *may = left.split()
        if not bar or not why.strip():
            findings.append(Finding(TABLE, number, f"room '{name}' has no reason", "write '| why it exists'", "a room without a reason is not a room"))
        allowed = {word for word in may if word not in ("-", "*", "any")}
        rooms[name] = Room(number, allowed | (set(GROUND) if "*" in may else set()), "any" in may)
    return rooms, findings


def below(rooms: dict[str, Room], start: str) -> set[str]:
    """The rooms that `start` may reach over others."""
    seen, waiting = set(), list(rooms[start].may)
    while waiting:
        room = waiting.pop()
        if room not in seen and room in rooms:
            seen.add(room)
            waiting.extend(rooms[room].may)
    return seen


def cycles(rooms: dict[str, Room]) -> list[Finding]:
    fix = "remove one edge of the cycle"
    return [Finding(TABLE, rooms[room].line, f"room '{room}' reaches itself", fix, ONE_WAY) for room in rooms if room in below(rooms, room)]


def allowed(rooms: dict[str, Room], room: str, other: str, is_test: bool) -> bool:
    """A test may also use rooms below those its room includes, because it has to build what they are given."""
    if room == other or other in rooms[room].may or (is_test and other in below(rooms, room)):
        return True
    return rooms[room].any_room and other != "app"


def check_include(repository: Repository, rooms: dict[str, Room], path: str, number: int, bracket: str, target: str) -> list[Finding]:
    room, other = path.split("/")[1], target.split("/")[0]
    if other not in rooms:
        if bracket == '"':
            return [Finding(path, number, f'"{target}" is not a file of a room', 'write "room/file.h"; libraries go in <>', "quotes are for our own headers only")]
        return []
    if bracket == "<" and f"src/{target}" in repository.files:
        return [Finding(path, number, f"<{target}> is our own header", f'write "{target}"', "quotes are for our own headers only")]
    if bracket == "<":
        return []
    findings = []
    if f"src/{target}" not in repository.files:
        findings.append(Finding(path, number, f'"{target}" does not exist', "correct the name", "an include that names no file does not build"))
    if not allowed(rooms, room, other, path.endswith(TEST_SUFFIXES)):
        may = " ".join(sorted(rooms[room].may)) or "nothing"
        fix = f"move the code, or pass what is needed as an argument; '{room}' may include: {may}"
        findings.append(Finding(path, number, f"room '{room}' may not include room '{other}'", fix, ONE_WAY))
    if target.endswith("_internal.h") and room != other:
        findings.append(Finding(path, number, f'"{target}" is private to room \'{other}\'', f"use a public header of '{other}'", "what is private may change without asking"))
    return findings


def check_sources(repository: Repository, rooms: dict[str, Room]) -> list[Finding]:
    findings = []
    for path in repository.sources():
        if not path.startswith("src/") or path.split("/")[1] not in rooms:
            continue
        for number, line in enumerate(repository.lines(path), 1):
            match = INCLUDE.match(line)
            if match:
                findings += check_include(repository, rooms, path, number, *match.groups())
    return findings


def check_build_file(repository: Repository, rooms: dict[str, Room], room: str) -> list[Finding]:
    path = f"src/{room}/CMakeLists.txt"
    text = re.sub(r"#.*", "", repository.text(path))
    findings = []
    for match in DEPS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        for other in re.findall(r"[a-z_]+", match.group(2)):
            if other in rooms and not allowed(rooms, room, other, bool(match.group(1))):
                findings.append(Finding(path, line, f"room '{room}' may not depend on room '{other}'", f"remove it, or change {TABLE} with a decision page", ONE_WAY))
    return findings


def check_folders(repository: Repository, rooms: dict[str, Room]) -> list[Finding]:
    findings = []
    present = repository.rooms()
    for room in present:
        if room not in rooms:
            findings.append(Finding(f"src/{room}", 1, f"room '{room}' is not in {TABLE}", "add it with its reason, or join it to a neighbour", ONE_WAY))
            continue
        build, readme = f"src/{room}/CMakeLists.txt", f"src/{room}/README.md"
        if build in repository.files:
            findings += check_build_file(repository, rooms, room)
        else:
            findings.append(Finding(f"src/{room}", 1, "no CMakeLists.txt", f"write one line: feedmill_room({room} DEPS ...)", "a room that is not built is not tested"))
        if readme not in repository.files:
            findings.append(Finding(f"src/{room}", 1, "no README.md", "say what comes in, goes out, is promised, which file to read first, how to run the tests", "a reader needs one door into a room"))
        elif len(repository.text(readme).splitlines()) > README_LINES_MAX:
            findings.append(Finding(readme, README_LINES_MAX + 1, f"longer than {README_LINES_MAX} lines", "move detail to the headers or docs/", "a door is read whole or not at all"))
    for room in rooms:
        if room not in present:
            findings.append(Finding(TABLE, rooms[room].line, f"room '{room}' has no folder src/{room}", "remove the line", "a map shows what stands"))
    return findings


def check(repository: Repository) -> list[Finding]:
    rooms, findings = read_table(repository)
    return findings + cycles(rooms) + check_sources(repository, rooms) + check_folders(repository, rooms)


if __name__ == "__main__":
    sys.exit(run(check))
