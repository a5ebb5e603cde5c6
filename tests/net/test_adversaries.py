# SPDX-License-Identifier: GPL-2.0-or-later
"""Attackers beside a running group get nothing: with a password and lists of members no
member comes or goes, no line of a table moves, no client fails.

ADVERSARIES=long carries out every attack at 1, 30 and 1,000 messages a second, also
without the one or the other, and prints what each does."""

import os
import random

import pytest

from adversary import ATTACKS, Clients, Group, attack

LONG = os.environ.get("ADVERSARIES") == "long"
PROTECTIONS = {"nothing": {}, "password": {"password": "s3cret"}, "lists": {"lists": True},
               "both": {"password": "s3cret", "lists": True}}


def carry_out(net, protection, rates, seconds):
    """{(attack, rate): damage}"""
    group = Group(net, **PROTECTIONS[protection])
    clients = Clients(group.small)
    net.finally_do(clients.close)
    rng = random.Random(9)
    found = {}
    for name in ATTACKS:
        for rate in rates:
            found[name, rate] = damage = attack(group, clients, name, rate, seconds, rng)
            print(f"{protection:9} {name:22} {rate:5}/s "
                  + " ".join(f"{key}: {value};" for key, value in damage.items()))
            group.settle()
    clients.close()
    return found


def harmless(damage):
    return all(not value or str(value).startswith("0 ") for value in damage.values())


@pytest.mark.parametrize("protection", PROTECTIONS if LONG else ["both"])
def test_a_group_that_is_attacked(net, protection):
    found = carry_out(net, protection, (1, 30, 1000) if LONG else (300,), 4 if LONG else 0.75)
    if protection == "both":
        assert all(map(harmless, found.values())), found
