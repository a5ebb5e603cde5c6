# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of commands is what help, completion and the manual say there is."""

import os
import re
import subprocess

from netns import program, run
from wccprouter_lab import world  # noqa: F401  pylint: disable=unused-import
from test_wccprouter_show import TOP, complete


def commands_of(text):
    """{name: arguments} from what the program prints of its table."""
    return {name: (arguments or "").strip()
            for name, arguments in re.findall(r"^  ([a-z-]+)( .*)?\n      ", text, re.M)}


def table():
    text = run(program("wccprouter"), "-h").stdout
    found = commands_of(text.partition("\nCommands:\n")[2])
    assert len(found) > 10 and found["show"] == "[global | problems | SERVICE [VIEW]]"
    return found


def test_help(world):
    world.start()
    assert commands_of(world.ask("help").stdout) == table()
    done = world.ask("help", "me", check=False)
    assert (done.returncode, done.stderr) == (
        1, "wccprouter: help: one word too many: me\n")


def test_completion_knows_all_commands():
    offered = complete("-s", "/nowhere", "")
    assert {word for word in offered if not word.startswith("-")} == table().keys()


def test_the_manual_knows_all_commands():
    text = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=200", os.path.join(TOP, "doc/wccprouter.8")],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    text = re.sub(".\b", "", text)
    section = re.search(r"^COMMANDS\n(.*?)^[A-Z]", text, re.M | re.S)[1]
    # Tags are indented by 5; what is short has its text on the same line.
    tags = [re.split(r" {3,}", line)[0]
            for line in re.findall(r"^ {5}(\S.*)$", section.replace("\t", "        "), re.M)]
    told = {tag.partition(" ")[0]: tag.partition(" ")[2] for tag in tags[1:]}
    assert told == {name: arguments.lower() for name, arguments in table().items()}
