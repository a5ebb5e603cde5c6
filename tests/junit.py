# SPDX-License-Identifier: GPL-2.0-or-later
"""Print "passed failed skipped" of a JUnit file of pytest; exit 1 without any test."""

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
        counts = count(sys.argv[1])
    except (OSError, xml.ParseError) as e:
        sys.exit(f"junit: {e}")
    print(*counts)
    sys.exit(sum(counts) == 0)
