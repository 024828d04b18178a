#!/usr/bin/env python3
"""Plants a violation for every rule in a small repository and sees it found; the same repository without it is clean."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import dead_files
import dependencies
import links
import names
import repository
import rooms
import sizes
import tidy
import words
from cpp_functions import functions
from repository import Finding, Repository

ROOMS = """
base - | ground
io base | files
data base | nouns
lake * | tables
serve * lake | the feed
app * any | wiring
"""

CLEAN = {
    "tools/rooms.txt": ROOMS,
    "README.md": "See [the pages](docs/a.md) and rooms.txt.\n",
    "docs/a.md": "A page; back to [the start](../README.md).\n",
    "src/base/result.h": "#pragma once\nint F();\n",
    "src/base/result.cc": '#include "base/result.h"\nint F() { return 1; }\n',
    "src/base/result_test.cc": '#include "base/result.h"\n',
    "src/lake/table.h": '#include "base/result.h"\n',
    "src/lake/table_internal.h": "#pragma once\n",
    "src/lake/table.cc": '#include "lake/table.h"\n#include "lake/table_internal.h"\n#include <vector>\n',
    "src/lake/table_test.cc": '#include "lake/table.h"\n',
    "src/serve/CMakeLists.txt": "feedmill_room(serve DEPS base lake LIBS feedmill::fmt)\n",
    "src/serve/feed.h": '#include "lake/table.h"\n',
    "src/app/main.cc": '#include "serve/feed.h"\n#include "io/a.h"\n#include "data/b.h"\n',
    "src/io/a.h": "#pragma once\n",
    "src/data/b.h": "#pragma once\n",
}
for room_name in ("base", "io", "data", "lake", "app", "serve"):
    CLEAN[f"src/{room_name}/README.md"] = "# A room\n"
    CLEAN.setdefault(f"src/{room_name}/CMakeLists.txt", f"feedmill_room({room_name})\n")


class Planted(unittest.TestCase):
    """Each test plants files over the clean repository and names what must be found."""

    def findings(self, check, planted: dict[str, str | None]) -> list[Finding]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            subprocess.run(["git", "init", "-q", folder], check=True)
            for path, text in {**CLEAN, **planted}.items():
                if text is not None:
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    (root / path).write_text(text, encoding="utf-8")
            return list(check(Repository(root)))

    def assert_found(self, check, planted: dict[str, str | None], path: str, line: int, part: str) -> None:
        found = self.findings(check, planted)
        self.assertTrue(
            any(finding.path == path and finding.line == line and part in finding.what for finding in found),
            f"{part!r} at {path}:{line} not among {[str(finding) for finding in found]}",
        )
        for finding in found:
            self.assertTrue(finding.fix and finding.reason, f"no fix or reason: {finding}")


class Clean(Planted):
    def test_the_clean_repository_has_no_finding(self):
        for check in (rooms.check, sizes.check, names.check, words.check, links.check, dead_files.check):
            self.assertEqual(self.findings(check, {}), [], check.__module__)


class Rooms(Planted):
    def test_a_lower_room_including_a_higher_one(self):
        self.assert_found(rooms.check, {"src/lake/table.h": '\n#include "serve/feed.h"\n'}, "src/lake/table.h", 2, "may not include room 'serve'")

    def test_the_ground_floor_including_anybody(self):
        self.assert_found(rooms.check, {"src/base/result.cc": '#include "io/a.h"\n'}, "src/base/result.cc", 1, "may not include room 'io'")

    def test_an_edge_that_is_only_in_the_build_file(self):
        planted = {"src/lake/CMakeLists.txt": "feedmill_room(lake\n  DEPS base serve\n  LIBS feedmill::json)\n"}
        self.assert_found(rooms.check, planted, "src/lake/CMakeLists.txt", 2, "may not depend on room 'serve'")

    def test_only_a_test_may_use_a_room_below_its_neighbour(self):
        far = {"tools/rooms.txt": ROOMS + "train serve | far\n", "src/train/README.md": "", "src/train/CMakeLists.txt": "feedmill_room(train DEPS serve TEST_DEPS lake)"}
        self.assertEqual(self.findings(rooms.check, {**far, "src/train/a_test.cc": '#include "lake/table.h"\n'}), [])
        self.assert_found(rooms.check, {**far, "src/train/a.cc": '#include "lake/table.h"\n'}, "src/train/a.cc", 1, "may not include room 'lake'")

    def test_a_private_header_of_another_room(self):
        self.assert_found(rooms.check, {"src/serve/feed.h": '#include "lake/table_internal.h"\n'}, "src/serve/feed.h", 1, "private")

    def test_a_cycle_in_the_table(self):
        planted = {"tools/rooms.txt": ROOMS.replace("lake * |", "lake * serve |")}
        self.assert_found(rooms.check, planted, "tools/rooms.txt", 5, "reaches itself")

    def test_an_include_that_names_no_file(self):
        self.assert_found(rooms.check, {"src/serve/feed.h": '#include "lake/gone.h"\n'}, "src/serve/feed.h", 1, "does not exist")

    def test_quotes_around_a_library_and_brackets_around_our_header(self):
        self.assert_found(rooms.check, {"src/io/a.h": '#include "fmt/format.h"\n'}, "src/io/a.h", 1, "is not a file of a room")
        self.assert_found(rooms.check, {"src/io/a.h": "#include <base/result.h>\n"}, "src/io/a.h", 1, "our own header")

    def test_rooms_without_reason_table_line_folder_readme_or_build_file(self):
        self.assert_found(rooms.check, {"tools/rooms.txt": ROOMS.replace("| files", "")}, "tools/rooms.txt", 3, "no reason")
        self.assert_found(rooms.check, {"src/extra/x.h": ""}, "src/extra", 1, "not in tools/rooms.txt")
        self.assert_found(rooms.check, {"tools/rooms.txt": ROOMS + "ghost * | none\n"}, "tools/rooms.txt", 8, "has no folder")
        self.assert_found(rooms.check, {"src/io/README.md": None}, "src/io", 1, "no README.md")
        self.assert_found(rooms.check, {"src/io/README.md": "x\n" * 31}, "src/io/README.md", 31, "longer than 30")
        self.assert_found(rooms.check, {"src/io/CMakeLists.txt": None}, "src/io", 1, "no CMakeLists.txt")


class Sizes(Planted):
    def test_a_function_of_71_lines_is_found_and_one_of_70_is_not(self):
        def body(lines: int) -> str:
            return "namespace a {\nint F(int b) {\n" + "  b++;\n" * (lines - 2) + "}\n}  // namespace a\n"

        self.assert_found(sizes.check, {"src/base/result.cc": body(71)}, "src/base/result.cc", 2, "function F has 71 lines")
        self.assertEqual(self.findings(sizes.check, {"src/base/result.cc": body(70)}), [])

    def test_files_over_their_limit(self):
        self.assert_found(sizes.check, {"src/base/result.cc": "\n" * 451}, "src/base/result.cc", 451, "at most 450")
        self.assert_found(sizes.check, {"src/base/result.h": "\n" * 161}, "src/base/result.h", 161, "at most 160")
        self.assertEqual(self.findings(sizes.check, {"src/base/result.cc": "\n" * 450}), [])


class CppFunctions(unittest.TestCase):
    def names_and_lines(self, source: str) -> list[tuple[str, int, int]]:
        return [(function.name, function.first_line, function.last_line) for function in functions(source)]

    def test_methods_constructors_and_operators(self):
        source = (
            "class A final : public B<int> {\n public:\n  A() : x_{1}, y_(2) {\n    Call();\n  }\n"
            "  bool operator==(const A& other) const { return true; }\n  int Get(int a = 1, Options o = {}) const noexcept override {\n    return a;\n  }\n private:\n  int x_{3};\n};\n"
        )
        self.assertEqual([(3, 5), (6, 6), (7, 9)], [(first, last) for _, first, last in self.names_and_lines(source)])

    def test_what_is_not_a_function(self):
        source = 'constexpr int kTable[] = {1, 2};\nenum class E { kA };\nstruct S { int x = 0; };\nstd::vector<int> v{f(1)};\nextern "C" {\nint G(void);\n}\n'
        self.assertEqual([], [name for name, _, _ in self.names_and_lines(source) if name != "f"])

    def test_braces_in_strings_comments_and_raw_strings_do_not_count(self):
        source = 'int F() {\n  // }\n  const char* a = "}";\n  char b = \'}\';\n  auto c = R"sql(\n}\n)sql";\n  int d = 1\'000;\n  return 0;\n}\nint G() {\n}\n'
        self.assertEqual([("F", 1, 10), ("G", 11, 12)], self.names_and_lines(source))

    def test_lambdas_count_to_their_function(self):
        source = "Result<int> A::F(std::function<void(int)> f) {\n  Run([&](int a) {\n    f(a);\n  });\n  if (f) {\n  }\n}\nTEST(Room, Case) {\n}\n"
        self.assertEqual([("A::F", 1, 7), ("TEST", 8, 9)], self.names_and_lines(source))

    def test_templates_trailing_types_and_macros_before(self):
        source = "#define X(a) { \\\n  a\ntemplate <class T, class U = int>\nauto F(T t) -> std::vector<T> {\n  return {};\n}\n"
        self.assertEqual([("F", 3, 6)], self.names_and_lines(source))


class Names(Planted):
    def test_words_that_say_nothing(self):
        for path in ("src/base/string_utils.cc", "tools/helpers.py", "web/src/apiManager.ts", "src/io/common.h"):
            self.assert_found(names.check, {path: ""}, path, 1, "in a file name")

    def test_spelling_of_cpp_files(self):
        self.assert_found(names.check, {"src/io/FileSystem.cc": ""}, "src/io/FileSystem.cc", 1, "not lower_case words")


class Words(Planted):
    def test_unfinished_work_paths_hosts_and_shared_data(self):
        planted = {
            "docs/a.md": "fine\n" + "TO" + "DO: later\n",
            "src/io/a.h": "// f" + "or now\n",
            "tools/x.sh": "cd /wo" + "rk/main\n",
            "tools/y.sh": "curl https://registry.npm" + "js.org/x\n",
            "src/data/b.h": "// ../shar" + "ed/data\n",
        }
        self.assert_found(words.check, planted, "docs/a.md", 2, "unfinished work")
        self.assert_found(words.check, planted, "src/io/a.h", 1, "unfinished work")
        self.assert_found(words.check, planted, "tools/x.sh", 1, "path of one machine")
        self.assert_found(words.check, planted, "tools/y.sh", 1, "registry's host")
        self.assert_found(words.check, planted, "src/data/b.h", 1, "beside the repository")

    def test_a_platform_that_knows_the_apps_words(self):
        planted = {
            "template/domain.toml": '[item.song]\nid = "song"\n[action.play]\nevents = ["played"]\nlabel = "heard"\n[relation.fans]\nadd = "cheer"\n',
            "src/io/a.h": 'Find("playful");\nFind("play");\n',
            "src/io/b.cc": '// as in "played"\nFind("heard");\n',
            "src/io/b_test.cc": 'Find("cheer");\n',
            "web/src/c.ts": 'say("cheer");\n',
        }
        self.assert_found(words.check, planted, "src/io/a.h", 2, "name of the template's app")
        self.assert_found(words.check, planted, "src/io/b.cc", 2, "name of the template's app")
        self.assert_found(words.check, planted, "web/src/c.ts", 1, "name of the template's app")

    def test_a_lock_file_may_not_carry_a_host(self):
        planted = {"web/package-lock.json": '"resolved": "https://registry.npm' + 'js.org/a.tgz"\n'}
        self.assert_found(words.check, planted, "web/package-lock.json", 1, "registry's host")


    def test_locks_of_the_standard_library_are_for_tests(self):
        planted = {"src/io/a.h": "#pragma once\nstd::mutex mutex_;\n", "src/io/a_test.cc": '#include "io/a.h"\nstd::mutex mutex;\n'}
        self.assert_found(words.check, planted, "src/io/a.h", 2, "no compiler checks")
        self.assertEqual(len(self.findings(words.check, planted)), 1)


class Tidy(Planted):
    """With our own locks and our own choice of checks, since they are what is tried."""

    COUNTER = '#include "base/mutex.h"\nstruct Counter {\n  void Add() { LOCK ++count; }\n  feedmill::Mutex mutex;\n  int count FEEDMILL_GUARDED_BY(mutex) = 0;\n};\n'

    def findings_of(self, lock: str) -> list[Finding]:
        ours = repository.default_root()
        planted = {path: (ours / path).read_text(encoding="utf-8") for path in (".clang-tidy", "src/base/mutex.h", "src/base/clock.h")}
        planted |= {"src/base/counter.cc": self.COUNTER.replace("LOCK", lock), "tools/env.sh": f"source {ours}/tools/env.sh\n"}
        return self.findings(lambda planted_repository: tidy.tidy(planted_repository, ["src/base/counter.cc"]), planted)

    def test_what_a_mutex_guards_is_not_touched_without_it(self):
        found = self.findings_of("")
        self.assertEqual([(finding.path, finding.line) for finding in found], [("src/base/counter.cc", 3)], found)
        self.assertIn("requires holding mutex 'mutex' exclusively", found[0].what)
        self.assertEqual(self.findings_of("feedmill::MutexLock lock(mutex);"), [])


class Links(Planted):
    def test_a_link_that_leads_nowhere(self):
        self.assert_found(links.check, {"docs/a.md": "x\n[y](b.md#part)\n"}, "docs/a.md", 2, "leads nowhere")
        self.assertEqual(self.findings(links.check, {"docs/a.md": "```\n[y](b.md)\n```\n[z](#here) [w](https://example.org/x)\n"}), [])


class Dependencies(Planted):
    def test_packages_the_page_does_not_name(self):
        planted = {
            "tools/packages.txt": "# set, package\nbuild g++ compiler\nbuild g++-extra none\n",
            "tools/downloads.txt": "x npm @a/b@1.5-r.5 00\nx pip-wheel c==1 00\n",
            "web/package.json": '{\n"dependencies": {\n"react-dom": "1"}}\n',
            "DEPENDENCIES.md": "`g++` and react, @a/b\n",
        }
        self.assert_found(dependencies.check, planted, "tools/packages.txt", 3, "'g++-extra'")
        self.assert_found(dependencies.check, planted, "tools/downloads.txt", 2, "'c'")
        self.assert_found(dependencies.check, planted, "web/package.json", 3, "'react-dom'")
        self.assertEqual(3, len(self.findings(dependencies.check, planted)))


class DeadFiles(Planted):
    def test_a_header_that_only_its_own_test_includes(self):
        planted = {"src/lake/scan.h": "", "src/lake/scan.cc": '#include "lake/scan.h"\n', "src/lake/scan_test.cc": '#include "lake/scan.h"\n'}
        self.assert_found(dead_files.check, planted, "src/lake/scan.h", 1, "nobody outside")

    def test_a_source_that_no_test_reaches(self):
        self.assert_found(dead_files.check, {"src/base/result_test.cc": None}, "src/base/result.cc", 1, "no test reaches it")

    def test_a_source_reached_through_another_source_is_tested(self):
        planted = {"src/base/text.h": "", "src/base/text.cc": '#include "base/text.h"\n', "src/base/result.cc": '#include "base/result.h"\n#include "base/text.h"\n'}
        self.assertEqual(self.findings(dead_files.check, planted), [])

    def test_scripts_pages_queries_and_modules_nobody_names(self):
        for path in ("tools/old.sh", "docs/lost.md", "queries/old.sql", "web/src/Unused.tsx"):
            self.assert_found(dead_files.check, {path: "x\n"}, path, 1, "no other file names it")

    def test_folders_that_a_program_reads_whole(self):
        listed = {"tools/read_whole.txt": "template/sql  read by the warehouse\n", "docs/a.md": "read_whole.txt\n"}
        self.assertEqual(self.findings(dead_files.check, {**listed, "template/sql/a.sql": ""}), [])
        self.assert_found(dead_files.check, listed, "tools/read_whole.txt", 1, "no file is in")


if __name__ == "__main__":
    unittest.main()
