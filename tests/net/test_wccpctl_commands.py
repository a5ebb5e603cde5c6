# SPDX-License-Identifier: GPL-2.0-or-later
"""Help, completion and manual of wccpctl know the same commands."""

import os
import re
import subprocess

from netns import program, run

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def table():
    """{name: arguments}, as the program prints its table."""
    text = run(program("wccpctl"), "-h").stdout
    found = {name: (arguments or "").strip()
             for name, arguments in re.findall(r"^  ([a-z][a-z-]*)( .*)?\n {13}\S", text, re.M)}
    assert "show" in found and "reload" in found
    return found


def complete(*words):
    script = ('source "$0"; COMP_WORDS=(wccpctl "$@"); COMP_CWORD=$#; '
              '_wccpctl; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "-c", script, os.path.join(TOP, "conf/completion/wccpctl"), *words],
        stdout=subprocess.PIPE, text=True, check=True)
    return set(done.stdout.split())


def test_completion():
    assert {word for word in complete("") if not word.startswith("-")} == table().keys()
    for name, arguments in table().items():
        assert complete(name, "") == set(re.findall("[a-z]+", arguments))


def test_manual():
    with open(os.path.join(TOP, "doc/wccpctl.8"), encoding="utf-8") as f:
        text = f.read()
    commands = text.partition("The commands are:")[2].partition(".Ss")[0]
    outer, depth = [], 0
    for line in commands.splitlines():
        depth += line.startswith(".Bl ") - line.startswith(".El")
        if depth == 1 and line.startswith(".It Cm "):
            outer.append(line.split()[2])
    assert set(outer) == table().keys()
    parts = set(re.findall(r"^\.It Cm ([a-z]+)$", commands, re.M)) - set(outer)
    assert parts == set(re.findall("[a-z]+", table()["show"]))
