# SPDX-License-Identifier: GPL-2.0-or-later
"""Print "passed failed skipped" of JUnit files of pytest; exit 1 when one has no test."""

import sys
import xml.etree.ElementTree as xml


def count(path):
    total = bad = skipped = 0
    for suite in xml.parse(path).getroot().iter("testsuite"):
        total += int(suite.get("tests"))
        bad += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped"))
    return max(total - bad - skipped, 0), bad, skipped


if __name__ == "__main__":
    try:
        counts = [count(path) for path in sys.argv[1:]]
    except (OSError, xml.ParseError) as e:
        sys.exit(f"junit: {e}")
    print(*map(sum, zip(*counts)))
    sys.exit(not all(map(sum, counts)))
