#!/usr/bin/env python3
"""The runner calls every way of not passing a failure: a failed test, a crash, a missing report, a hang, a missing count."""

import json
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import run_tests


def report(*tests: dict) -> str:
    return json.dumps({"testsuites": [{"name": "Room", "testsuite": list(tests)}]})


PASSED = {"name": "Passes", "result": "COMPLETED"}
FAILED = {"name": "Fails", "result": "COMPLETED", "failures": [{"failure": "expected 1, found 2"}]}
SKIPPED = {"name": "Skips", "result": "SKIPPED"}


class Runner(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def program(self, script: str) -> pathlib.Path:
        path = pathlib.Path(self.folder.name) / "room_test"
        path.write_text(f"#!/bin/bash\nreport=${{1#--gtest_output=json:}}\n{script}\n", encoding="utf-8")
        os.chmod(path, 0o755)
        return path

    def gtest(self, script: str) -> tuple[int, int, int]:
        outcome = run_tests.gtest_program(self.program(script))
        return outcome.passed, len(outcome.failures), len(outcome.skipped)

    def counted(self, script: str) -> tuple[int, int]:
        outcome = run_tests.counted_script("suite", [self.program(script)], {})
        return outcome.passed, len(outcome.failures)

    def test_passed_failed_and_skipped_tests_are_told_apart(self):
        self.assertEqual((1, 1, 1), self.gtest(f"echo '{report(PASSED, FAILED, SKIPPED)}' > $report; exit 1"))
        self.assertEqual((1, 0, 0), self.gtest(f"echo '{report(PASSED)}' > $report"))

    def test_a_crash_before_the_report_is_a_failure(self):
        self.assertEqual((0, 1, 0), self.gtest("kill -SEGV $$"))

    def test_a_bad_exit_after_good_tests_is_a_failure(self):
        self.assertEqual((1, 1, 0), self.gtest(f"echo '{report(PASSED)}' > $report; exit 3"))

    def test_a_program_without_tests_is_a_failure(self):
        self.assertEqual((0, 1, 0), self.gtest(f"echo '{report()}' > $report"))

    def test_a_hang_is_ended_with_its_children_and_is_a_failure(self):
        with mock.patch.object(run_tests, "PROGRAM_SECONDS_MAX", 0.3):
            self.assertEqual((0, 1, 0), self.gtest("sleep 60 & sleep 60"))

    def test_scripts_count_by_their_last_count_line(self):
        self.assertEqual((5, 0), self.counted("echo 1 passed, 0 failed; echo 5 passed, 0 failed"))
        self.assertEqual((5, 2), self.counted("echo 5 passed, 2 failed; exit 1"))

    def test_scripts_without_count_or_with_a_bad_exit_fail(self):
        self.assertEqual((0, 1), self.counted("echo all fine"))
        self.assertEqual((5, 1), self.counted("echo 5 passed, 0 failed; exit 1"))

    def test_reports_of_the_console(self):
        path = pathlib.Path(self.folder.name) / "report.json"
        self.assertEqual(1, len(run_tests.vitest_counts(path, 0, "").failures))
        tests = [{"status": status, "fullName": status} for status in ("passed", "passed", "failed", "skipped")]
        broken = {"name": "b.test.ts", "status": "failed", "message": "does not compile", "assertionResults": []}
        path.write_text(json.dumps({"testResults": [{"name": "a.test.ts", "status": "failed", "assertionResults": tests}, broken]}), encoding="utf-8")
        outcome = run_tests.vitest_counts(path, 1, "")
        self.assertEqual((2, 2, 1), (outcome.passed, len(outcome.failures), len(outcome.skipped)))


if __name__ == "__main__":
    unittest.main()
