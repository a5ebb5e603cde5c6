# SPDX-License-Identifier: GPL-2.0-or-later
"""The events of ledger.py, in an order in which each finds the group as the one before has
left it: box1 and box2 are in it at first and at last."""

import time

from netns import wait_until


def pause(seconds):
    """Time in which the group lives with what has happened: no condition to wait for."""
    time.sleep(seconds)


def nothing(_s):
    """For comparison."""
    pause(5)


# -- newcomers -----------------------------------------------------------------------------


def join(s):
    s.start_box(s.three)


def joined_is_killed(s):
    s.kill(s.three)
    pause(1)
    s.start_box(s.three)


def newcomer_flaps(s):
    """It drains and comes back, and dies and comes back, twice."""
    for _ in range(2):
        drained_and_enabled(s, s.three)
        joined_is_killed(s)


def reweight(s):
    s.change(s.three, ("weight = 100", "weight = 1000"))
    wait_until(lambda: s.share(s.three) > s.lab.slots // 2, 30, "it has the most")


def leave(s):
    s.stop(s.three)


def three_join(s):
    for box in s.newcomers:
        box.write_conf()
        s.start_box(box)


def rolling_restart(s):
    """Of all that are in the group: the three, too."""
    for box in s.members:
        s.restart(box)


def three_leave(s):
    s.stop(*s.newcomers)


# -- one of two ----------------------------------------------------------------------------


def restart(s):
    s.restart(s.one)


def upgrade(s):
    s.upgrade(s.one)


def reloads(s):
    for _ in range(100):
        s.command(s.one, "reload")
    s.settled()


def pool_renamed(s):
    s.change(s.one, ("pool web {", "pool other {"), ("pool = web", "pool = other"))
    pause(2)
    s.settled()
    s.change(s.one)
    s.settled()


def killed_for_1_s(s):
    s.kill(s.one)
    pause(1)
    s.start_box(s.one)


def killed_for_4_t(s):
    """40 s with T = 10 s: the router gives it up after 3 T."""
    s.kill(s.one)
    pause(4 * s.t_s)
    s.start_box(s.one)


def stopped_and_started(s):
    """The designated web-cache, so that another one is for a while."""
    if len(s.members) == 1:
        stop_last(s)
    else:
        s.stop(s.one)
    s.start_box(s.one)


def stop_last(s):
    s.one.wccpd.terminate()
    if code := s.one.wccpd.wait(150):
        raise AssertionError(f"it ended with {code}")


def drained_and_enabled(s, box=None):
    box = box or s.one
    s.command(box, "drain")
    s.wait_left(box)
    pause(1)
    s.command(box, "enable")
    s.settled()


def instances_finish(s):
    """All of a box get SIGTERM, and serve on for shutdown_lifetime."""
    for squid in s.one.instances:
        squid.process.terminate()
    s.wait_left(s.one)
    for squid in s.one.instances:
        squid.process.wait(60)
    s.lab.start_squids(s.one.instances)
    s.settled()


def interface_flaps(s):
    s.lab.router.ip("link", "set", "box1", "down")
    pause(0.5)
    s.lab.router.ip("link", "set", "box1", "up")
    s.settled()


# -- the router ----------------------------------------------------------------------------


def router_restart(s):
    s.restart_router()
    s.settled()


def router_killed(s):
    s.lab.wccprouter.kill()
    s.lab.wccprouter.wait()
    s.lab.start_router()
    s.settled()


def router_stopped(s):
    s.lab.wccprouter.stop()
    s.lab.start_router()
    s.settled()


NEWCOMERS = [nothing, join, joined_is_killed, newcomer_flaps, reweight, leave, three_join,
             rolling_restart, three_leave]
ONE_OF_TWO = [restart, upgrade, reloads, pool_renamed, killed_for_1_s, drained_and_enabled,
              interface_flaps, router_restart, router_killed, stopped_and_started,
              instances_finish, killed_for_4_t, router_stopped]
EVENTS = NEWCOMERS + ONE_OF_TWO
# With many idle ones: nobody waits for the end of these.
IDLE = [nothing, join, restart, upgrade, killed_for_1_s, rolling_restart, drained_and_enabled,
        router_restart, leave]
SHORT = [restart, upgrade, killed_for_1_s]  # in the network tests
