#!/usr/bin/env python3
"""Words that do not belong into the repository: unfinished work, one machine's paths, registry hosts, locks that nobody checks."""

import re
import sys
import tomllib

from repository import TEST_SUFFIXES, Finding, Repository, run

# Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|\bfor n" r"ow\b|\bst" r"ubs?\b", re.IGNORECASE)
UNFILLED = re.compile(r"\bplace" r"holder\b", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/|/tmp" r"/plan")
SHARED_DATA = re.compile(r"\.\./shar" r"ed\b")
REGISTRY = re.compile(
    r"registry\.npm" r"js|registry\.yarn" r"pkg|py" r"pi\.org|pythonhosted" r"\.|repo1?\.mav" r"en|deb\.debian" r"\.org|crates" r"\.io|proxy\.golang" r"|gh" r"cr\.io|quay" r"\.io|docker" r"\.io",
)
PLAIN_LOCK = re.compile(r"\bstd::(?:(?:recursive_|shared_|timed_)*mutex|condition_variable(?:_any)?|lock_guard|scoped_lock|unique_lock|shared_lock)\b")
RULES = (
    (UNFINISHED, "unfinished work", "finish it, or leave it out and say so in the room's README", "what is promised later is not there now"),
    (MACHINE_PATH, "a path of one machine", "take it from an argument, the configuration or the environment", "the project runs anywhere"),
    (REGISTRY, "a registry's host", "name the package; the client's own configuration knows its registry", "mirrors and proxies are the machine's business"),
)
TEXT_ONLY = (".cc", ".h", ".py", ".sh", ".md", ".toml", ".sql", ".txt", ".cmake", ".json", ".mjs")
SHARED_DATA_MAY = re.compile(r"(tests|tools|bench|docs)/|Makefile$|README\.md$|.*_test\.cc$")


# What the app of the template calls things. The pages' test server may, the platform and the synthetic app may not.
APP_FOLDERS = ("src/domain/legacy/", "src/console/demo_server_main.cc")
# What the platform itself calls something: why a candidate was filtered; a member of feeds; of a user's card; of a rule.
PLATFORM_WORDS = {"hidden", "topic", "follows", "user"}
# Columns of a stored format, and parameters of the synthetic app.
MAY_SAY = {"post_id": ("src/serve/feed_row.cc", "src/data/feed_request.cc"), **dict.fromkeys(("follow", "adult", "community", "communities", "blocks"), ("src/simulate/world_options.cc",))}


def app_words(repository: Repository) -> re.Pattern | None:
    """The names of events, actions, labels, and an item's numbers and fields in the template's domain, as texts of a program."""
    if "template/domain.toml" not in repository.files:
        return None
    domain = tomllib.loads("\n".join(repository.lines("template/domain.toml")))
    names = {*domain["action"], *domain["item"], *domain.get("relation", {})}
    for action in domain["action"].values():
        names.update([*(action.get(key, "") for key in ("event", "label", "id", "author", "value")), *action.get("events", [])])
    for relation in domain.get("relation", {}).values():
        names.update([relation.get("id", ""), relation["add"], relation.get("remove", "")])
    for item in domain["item"].values():
        names.update([item.get("id", ""), item.get("category", ""), item.get("made_by", ""), item.get("removed_by", ""), *item.get("numbers", []), *item.get("fields", {})])
    return re.compile(r"[\"'`](" + "|".join(sorted(map(re.escape, names - PLATFORM_WORDS - {"", "userId"}))) + r")[\"'`]")


def says_app_words(path: str) -> bool:
    code = path.startswith("src/") and path.endswith((".cc", ".h")) and not path.endswith(TEST_SUFFIXES)
    page = path.startswith("web/src/") and path.endswith((".ts", ".tsx")) and ".test." not in path
    return (code or page) and not path.startswith(APP_FOLDERS)


def is_exempt(path: str, pattern: re.Pattern) -> bool:
    """Seeds and data are what they are; a lock file is written by its client, but must not carry hosts either."""
    if path.startswith("tests/fuzz/") or path.endswith((".png", ".ico", ".woff2", ".csv", ".jsonl")):
        return True
    return path.endswith("package-lock.json") and pattern is not REGISTRY


def check_line(path: str, number: int, line: str) -> list[Finding]:
    findings = []
    for pattern, what, fix, reason in RULES:
        match = pattern.search(line)
        if match and not is_exempt(path, pattern):
            findings.append(Finding(path, number, f"'{match.group(0)}' is {what}", fix, reason))
    if path.endswith(TEXT_ONLY) and UNFILLED.search(line) and not is_exempt(path, UNFILLED):
        findings.append(Finding(path, number, f"'{UNFILLED.pattern[2:-2]}' is unfinished work", "write the real thing, or another word for a mark to be filled in", RULES[0][3]))
    if SHARED_DATA.search(line) and not SHARED_DATA_MAY.match(path):
        findings.append(Finding(path, number, "a data folder beside the repository", "only tests and tools may have it as a default", RULES[1][3]))
    is_product = path.startswith("src/") and path.endswith((".cc", ".h")) and not path.endswith(TEST_SUFFIXES) and path != "src/base/mutex.h"
    if is_product and (lock := PLAIN_LOCK.search(line)):
        findings.append(Finding(path, number, f"'{lock.group(0)}' is a lock that no compiler checks", "take those of base/mutex.h", "clang-tidy then proves what it guards"))
    return findings


def check(repository: Repository) -> list[Finding]:
    findings = []
    app = app_words(repository)
    for path in repository.files:
        if path.endswith((".png", ".ico", ".woff2")):
            continue
        for number, line in enumerate(repository.lines(path), 1):
            findings += check_line(path, number, line)
            match = app.search(line.split("//")[0]) if app and says_app_words(path) else None
            if match and path not in MAY_SAY.get(match.group(1), ()):
                findings.append(Finding(path, number, f"{match.group(0)} is a name of the template's app", "read it from the domain (src/domain/domain.h)",
                                        "an app with other words has to work as well"))
    return findings


if __name__ == "__main__":
    sys.exit(run(check))
