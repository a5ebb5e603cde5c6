# SPDX-License-Identifier: GPL-2.0-or-later
"""How many lines of a folder of sources have been executed?

    tests/coverage.py BUILD FOLDER LEAST

BUILD was configured with --enable-coverage, and tests have been run in it; FOLDER is one
of its folders (src/core).  Prints a line for each file, with the lines that were never
executed, and the total; exit code 1 if that is below LEAST percent.
"""

import json
import pathlib
import subprocess
import sys


def executed(data):
    """{line: times} of the source file of a .gcda file, and its name."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", data.name], check=True,
                          cwd=data.parent, capture_output=True, text=True)
    for file in json.loads(done.stdout)["files"]:
        if file["file"].endswith(data.stem + ".c"):
            lines = {}
            for line in file["lines"]:
                n = line["line_number"]
                lines[n] = max(lines.get(n, 0), line["count"])
            return lines
    return {}


def ranges(numbers):
    """1, 2, 3, 5 -> "1-3 5"."""
    found = []
    for n in numbers:
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def main(build, folder, least):
    total = missed = 0
    for data in sorted((pathlib.Path(build) / folder).rglob("*.gcda")):
        lines = executed(data)
        never = sorted(n for n, times in lines.items() if not times)
        total += len(lines)
        missed += len(never)
        name = data.relative_to(build).with_suffix(".c")
        print(f"{name!s:40} {len(lines):5} lines {len(never):4} not executed  "
              f"{ranges(never)}")
    if not total:
        sys.exit(f"{build}: no test has been run with --enable-coverage")
    percent = 100 * (total - missed) / total
    print(f"{folder}: {total} lines, {percent:.1f} % executed")
    return percent < float(least)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
