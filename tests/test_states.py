# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of the states of a router finds what it is there to find."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the sources may be read-only
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import states  # noqa: E402

DOC = """
| event | what happens | logged as |
|---|---|---|
| `start` | it is announced | `announced` |
| `nothing-fits` | no method fits | `offers…` |
| `silent` | time is up | `no longer answers` |

| state | event | next | seen in |
|---|---|---|---|
| idle | `start` | waiting | golden |
| waiting | `nothing-fits` | mismatch | golden |
| mismatch | `silent` | waiting | `tests/unit/test_x.c:runs` |
"""
TRACE = """\
   0.000 cache1 notes waiting: router 10.9.0.1: waiting for first answer (was idle): announced
   0.020 cache1 notes mismatch: warning: router 10.9.0.1 offers forwarding GRE, we accept L2
"""


class TestStates(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.top = pathlib.Path(self.dir.name)
        for name in ("doc", "tests/unit"):
            (self.top / name).mkdir(parents=True)
        (self.top / "tests/unit/test_x.c").write_text("TEST(runs) { }\n")

    def complaints(self, doc=DOC, trace=TRACE):
        (self.top / "doc/architecture.md").write_text(doc)
        checker = states.Checker(self.top)
        checker.read()
        checker.take("golden", "x.trace", trace.splitlines())
        checker.check_seen()
        return [what for _, _, what in checker.complaints]

    def assert_one(self, complaints, words):
        self.assertEqual(len(complaints), 1, complaints)
        self.assertIn(words, complaints[0])

    def test_good(self):
        self.assertEqual(self.complaints(), [])

    def test_transition_that_the_table_lacks(self):
        more = "   9.000 cache1 notes lost: router 10.9.0.1: lost (was joined): silent\n"
        self.assert_one(self.complaints(trace=TRACE + more), "joined -> lost (silent): 0")

    def test_transition_for_another_reason(self):
        wrong = TRACE.replace("announced", "it answers")
        self.assertTrue(any("(it answers): 0" in c for c in self.complaints(trace=wrong)))

    def test_mismatch_from_a_state_that_does_not_lead_there(self):
        wrong = DOC.replace("| waiting | `nothing-fits`", "| lost | `nothing-fits`")
        self.assertTrue(any("waiting -> mismatch" in c for c in self.complaints(doc=wrong)))

    def test_transition_that_is_not_seen(self):
        more = "| lost | `start` | waiting | golden |\n"
        self.assert_one(self.complaints(doc=DOC + more), "lost, start: not seen in golden")

    def test_transition_without_a_place(self):
        more = "| lost | `start` | waiting | |\n"
        self.assert_one(self.complaints(doc=DOC + more), "seen nowhere")

    def test_test_that_is_not_there(self):
        wrong = DOC.replace("test_x.c:runs", "test_x.c:walks")
        self.assert_one(self.complaints(doc=wrong), "walks")

    def test_unknown_words(self):
        more = "| lost | `jump` | waiting | golden |\n"
        self.assertTrue(any("no such event" in c for c in self.complaints(doc=DOC + more)))
        more = "| asleep | `start` | waiting | golden |\n"
        self.assertTrue(any("no such state" in c for c in self.complaints(doc=DOC + more)))

    def test_no_table(self):
        self.assertTrue(any("no tables" in c for c in self.complaints(doc="")))


if __name__ == "__main__":
    unittest.main()
