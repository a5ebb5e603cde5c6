# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of the tree finds what it is there to find: each rule is broken once."""

import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the sources may be read-only
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import house  # noqa: E402

FUNCTION = "static int {name}(void)\n{{\n{body}}}\n"


def copy(top):
    """The parts of the tree that are judged."""
    files = [house.TOP / "Makefile.am", house.TOP / "doc/architecture.md"]
    for folder in ("src", "include", "tests"):
        files += [p for p in (house.TOP / folder).glob("**/*")
                  if p.suffix in (".c", ".h", ".py")]
    for file in files:
        to = top / file.relative_to(house.TOP)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(file.read_bytes())


@unittest.skipUnless(shutil.which("ctags"), "ctags not found")
class TestHouse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = set(house.House().check())

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.top = pathlib.Path(self.dir.name)
        copy(self.top)

    def add(self, file, text):
        path = self.top / file
        path.write_text((path.read_text() if path.exists() else "") + text)

    def replace(self, file, old, new):
        text = (self.top / file).read_text()
        self.assertIn(old, text)
        (self.top / file).write_text(text.replace(old, new, 1))

    def complaints(self):
        return [c for c in house.House(self.top).check() if c not in self.before]

    def assert_complains(self, file, words):
        found = self.complaints()
        self.assertTrue(any(c[0] == file and words in c[2] for c in found), found)

    def test_nothing_changed(self):
        self.assertEqual(self.complaints(), [])

    def test_files_in_a_folder(self):
        for i in range(house.FOLDER_FILES):
            self.add(f"src/kernel/more{i}.c", "")
        self.assert_complains("src/kernel", "at most 24")

    def test_long_function(self):
        for lines, bad in ((house.FUNCTION_LINES - 3, False),
                           (house.FUNCTION_LINES - 2, True)):
            self.add("src/kernel/tc.c", FUNCTION.format(name=f"tc_{lines}",
                                                        body="\t;\n" * lines))
            self.assertEqual(any(f"tc_{lines}() has 51 lines" in c[2]
                                 for c in self.complaints()), bad)

    def test_long_file(self):
        self.add("src/kernel/more.c", "\n" * house.FILE_LINES)
        self.add("tests/unit/more.c", "\n" * house.TEST_LINES)
        self.add("tests/net/more.py", "\n" * house.TEST_LINES)
        self.assertEqual(self.complaints(), [])
        for file, limit in (("src/kernel/more.c", 500), ("tests/unit/more.c", 700),
                            ("tests/net/more.py", 700)):
            self.add(file, "\n")
            self.assert_complains(file, f"at most {limit}")

    def test_function_twice(self):
        text = FUNCTION.format(name="one_name", body="")
        self.add("src/kernel/tc.c", text)
        self.assertEqual(self.complaints(), [])
        self.add("src/bpf/steer.bpf.c", text)
        self.assert_complains("src/kernel/tc.c",
                              "function one_name is in src/bpf/steer.bpf.c, too")

    def test_main_twice(self):
        self.add("src/kernel/main.c", "int main(void)\n{\n}\n")
        self.assertEqual(self.complaints(), [])

    def test_file_name_twice(self):
        self.add("src/kernel/health.c", "")
        self.assert_complains("src/wccpd/pool/health.c", "file health.c is in src/kernel")

    def test_guards(self):
        self.add("src/kernel/more.h", "#ifndef WCCPD_MORE_H\n#define WCCPD_MORE_H\n#endif\n")
        self.assertEqual(self.complaints(), [])
        self.add("src/kernel/other.h", "/* More. */\n#ifndef WCCPD_MORE_H\n"
                 "#define WCCPD_MORE_H\n#endif\n")
        self.assert_complains("src/kernel/other.h", "guard WCCPD_MORE_H is in")
        self.add("src/kernel/none.h", "int more;\n")
        self.assert_complains("src/kernel/none.h", "no include guard")

    def test_include_upwards(self):
        self.add("src/core/addr.c", '#include "wccpd/pool/health.h"\n')
        self.assert_complains("src/core/addr.c", "src/core may not use src/wccpd/pool")

    def test_include_of_the_other_side(self):
        self.add("src/core/cache/more.c", '#include "router.h"\n')
        self.assert_complains("src/core/cache/more.c", "may not use src/core/router")

    def test_include_by_another_path(self):
        self.add("src/wccpd/pool/probe.c", '#include "health.h"\n')
        self.assert_complains("src/wccpd/pool/probe.c", "write the path from src/")

    def test_header_of_nobody(self):
        self.add("include/more.h", "#ifndef MORE_H\n#define MORE_H\n#endif\n")
        self.assert_complains("include/more.h", "belongs to no folder")

    def test_folder_without_a_row(self):
        (self.top / "src/more").mkdir()
        self.add("src/more/more.c", "")
        self.assert_complains("src/more/more.c", "not in the table")

    def test_row_without_a_folder(self):
        self.replace("doc/architecture.md", "| `src/kernel` |", "| `src/kernels` |")
        self.assert_complains("doc/architecture.md", "there is no folder src/kernels")

    def test_circle_of_folders(self):
        text = (self.top / "doc/architecture.md").read_text()
        row = re.search(r"^\| `src/kernel` \|.*\|$", text, re.M)[0]
        self.replace("doc/architecture.md", row, row[:-1] + ", `src/dp` |")
        self.assert_complains("doc/architecture.md",
                              "folders may use each other: src/dp,")

    def test_circle_of_files(self):
        self.add("src/kernel/one.c", FUNCTION.format(name="one_a", body="\ttwo_b();\n"))
        self.add("src/kernel/two.c", FUNCTION.format(name="two_a", body="\tone_a();\n"))
        self.assertEqual(self.complaints(), [])
        # Neither a comment, nor a text, nor a callback is a call.
        self.add("src/kernel/two.c", "static int two_b(int (*one_a)(void))\n{\n"
                 '\t/* one_a() */\n\tputs("one_a()");\n\treturn one_a();\n}\n')
        self.replace("src/kernel/two.c", "\tone_a();\n", "")
        self.assertEqual(self.complaints(), [])
        self.add("src/kernel/two.c", FUNCTION.format(name="two_c", body="\tone_a();\n"))
        self.assert_complains("src/kernel", "files call each other: one, two")
        self.assert_complains("src/kernel/two.c", "circle: two_c() calls one_a() of one")

    def test_allowed_circle(self):
        self.add("doc/architecture.md", "\n| circle | why |\n|---|---|\n"
                 "| `src/kernel/one`, `src/kernel/two` | a test |\n")
        self.assert_complains("doc/architecture.md", "no such circle: src/kernel/one")
        self.add("src/kernel/one.c", FUNCTION.format(name="one_a", body="\ttwo_a();\n"))
        self.add("src/kernel/two.c", FUNCTION.format(name="two_a", body="\tone_a();\n"))
        self.assertFalse(any("one" in c[2] for c in self.complaints()))


if __name__ == "__main__":
    unittest.main()
