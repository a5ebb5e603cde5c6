# SPDX-License-Identifier: GPL-2.0-or-later
"""CONTRIBUTING, word for word: its commands run, its example fits the sources."""

import os
import re
import subprocess

import pytest

from netns import build_dir

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

with open(os.path.join(TOP, "CONTRIBUTING")) as contributing:
    BLOCKS = re.findall(r"(?:^\t.*\n)+", contributing.read(), re.M)
LINES = [line.strip() for block in BLOCKS for line in block.splitlines()]
# Those that run one test.  A build, or all tests, would take too long; make check runs
# tests/house.py and tests/rules.py.
COMMANDS = [line for line in LINES if not re.match(r"make|CK_FORK", line) and
            re.search(r"tests/(?:unit|sim|golden|net)/test_", line)]


def test_commands_were_found():
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command):
    command = command.removeprefix("sudo ").replace("$PWD/build/main", build_dir())
    done = subprocess.run(["sh", "-c", command.replace("build/main", build_dir())],
                          cwd=TOP, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tree():
    """Every folder that the tree's description names is there."""
    block = next(b for b in BLOCKS if "include/" in b)
    path, found = [], 0
    for indent, name in re.findall(r"^\t( *)([\w/]+)/ ", block, re.M):
        path = path[:1] if indent else []
        path.append(name)
        assert os.path.isdir(os.path.join(TOP, *path)), path
        found += 1
    assert found > 10


def hunks():
    """(file, lines before, lines after) of each hunk of the example."""
    block = re.sub(r"^\t", "", next(b for b in BLOCKS if "@@" in b), flags=re.M)
    for part in re.split(r"^--- a/.*\n", block, flags=re.M)[1:]:
        head, *rest = re.split(r"^@@\n", part, flags=re.M)
        file = re.fullmatch(r"\+\+\+ b/(\S+)\n", head)[1]
        for hunk in rest:
            lines = hunk.splitlines()
            yield (file, [line[1:] for line in lines if not line.startswith("+")],
                   [line[1:] for line in lines if not line.startswith("-")])


def test_example_fits():
    """Each place of the example is there once, so the diff can be applied by hand."""
    seen = set()
    for file, before, _ in hunks():
        with open(os.path.join(TOP, file)) as f:
            text = "\n" + f.read()
        wanted = "\n" + "\n".join(before) + "\n"
        assert text.count(wanted) == 1, f"{file}: {wanted}"
        seen.add(file)
    assert len(seen) >= 7
