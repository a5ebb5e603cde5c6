# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of doc/rules.md finds what it is there to find."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the sources may be read-only
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402

C_FILE = """
START_TEST(runs) { } END_TEST
START_TEST(loops) { } END_TEST
START_TEST(forgotten) { } END_TEST
TEST(registers) { }
TEST_LOOP(registers_too, 0, 3) { }
void add(void)
{
	tcase_add_test(tc, runs);
	tcase_add_loop_test(tc, loops, 0, 3);
	tcase_add_test(tc, elsewhere);
}
"""
PY_FILE = "def test_one(world):\n    pass\n\n\ndef helper():\n    pass\n"
ONE = """
| Id | Rule | Draft | Side | Shown by |
|---|---|---|---|---|
"""
TWO = """
| Id | Rule | Draft | Side | Shown at the cache by | Shown at the router by |
|---|---|---|---|---|---|
"""
GOOD = "`tests/unit/test_x.c:runs` `tests/net/test_y.py::test_one`"


class TestRules(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.top = pathlib.Path(self.dir.name)
        for name, text in (("unit/test_x.c", C_FILE), ("net/test_y.py", PY_FILE)):
            path = self.top / "tests" / name
            path.parent.mkdir(parents=True)
            path.write_text(text)

    def complaints(self, text):
        checker = rules.Checker(self.top)
        checker.check(text)
        return [what for _, what in checker.complaints]

    def one(self, tests, id="R-2-01", draft="2.01 §4", side="both"):
        return self.complaints(ONE + f"| {id} | a rule | {draft} | {side} | {tests} |\n")

    def assert_one(self, complaints, words):
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn(words, complaints[0])

    def test_good(self):
        self.assertEqual(self.one(GOOD), [])
        for name in ("loops", "registers", "registers_too"):
            self.assertEqual(self.one(f"`tests/unit/test_x.c:{name}`"), [])

    def test_no_test(self):
        self.assertIn('"Shown by" names no test', self.one(""))
        self.assertIn('"Shown by" names no test', self.one("–"))
        self.assertIn('"Shown by" names no test', self.one("todo"))

    def test_no_such_test(self):
        for name in ("tests/unit/test_x.c:walks", "tests/net/test_y.py::test_two",
                     "tests/net/test_y.py::helper"):
            self.assert_one(self.one(f"`{name}`"), "no such test")
        self.assert_one(self.one("`tests/unit/test_z.c:runs`"), "no such file")

    def test_not_run(self):
        self.assert_one(self.one("`tests/unit/test_x.c:forgotten`"), "not run")
        self.assert_one(self.one("`tests/unit/test_x.c:elsewhere`"), "no such test")

    def test_bad_name(self):
        self.assert_one(self.one("`runs`"), "neither")
        self.assert_one(self.one("`tests/unit/test_x.c::runs`"), "neither")
        self.assert_one(self.one(GOOD + " and more"), "more than tests")

    def test_ids(self):
        def table(*ids):
            return self.complaints(ONE + "".join(
                f"| {i} | a rule | 2.0 §1 | both | {GOOD} |\n" for i in ids))
        self.assertEqual(table("R-2-01", "R-2-02", "R-3-01", "R-2-03", "M-01", "A-1-01"), [])
        self.assert_one(table("R-2-01", "R-2-01"), "expected R-2-02")
        self.assert_one(table("R-2-01", "R-2-03"), "expected R-2-02")
        self.assert_one(table("R-2-02"), "expected R-2-01")
        self.assert_one(table("R-01"), "is no id")
        self.assert_one(table("M-1-01"), "is no id")
        self.assert_one(table("A-01"), "is no id")
        self.assert_one(table("x"), "is no id")

    def test_sides(self):
        def row(side, cache, router):
            return self.complaints(
                TWO + f"| R-4-01 | a rule | 2.01 §3 | {side} | {cache} | {router} |\n")
        self.assertEqual(row("both", GOOD, GOOD), [])
        self.assertEqual(row("cache", GOOD, "–"), [])
        self.assertEqual(row("router", "–", GOOD), [])
        self.assert_one(row("both", GOOD, "–"), "router by\" names no test")
        self.assert_one(row("router", GOOD, GOOD), "the other side")
        self.assert_one(row("router", "–", "–"), "names no test")
        self.assert_one(row("all", GOOD, GOOD), "side all")

    def test_rows(self):
        self.assert_one(self.one(GOOD, draft="somewhere"), "no section")
        self.assert_one(self.one(GOOD + " | more"), "6 cells")
        self.assert_one(self.complaints("# Nothing\n"), "not one rule")
        self.assertIn("a table without ids or without tests",
                      self.complaints("| a | b |\n|---|---|\n| c | d |\n"))

    def test_line(self):
        checker = rules.Checker(self.top)
        checker.check(ONE + f"| R-2-01 | a | 2.0 §1 | both | {GOOD} |\n"
                      "| R-2-02 | a | 2.0 §1 | both | `x` |\n")
        self.assertEqual([line for line, _ in checker.complaints], [5])


if __name__ == "__main__":
    unittest.main()
