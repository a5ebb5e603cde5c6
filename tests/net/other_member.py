# SPDX-License-Identifier: GPL-2.0-or-later
"""A member of another make: it says what Python writes, and does nothing with packets."""

import threading

import wccpcache


class Other(threading.Thread):
    """A web-cache of another make at `box`, which says hello every T."""

    def __init__(self, box, assigns=False, **kw):
        super().__init__(daemon=True)
        self.cache = wccpcache.Cache(box.ns, box.address, box.router, **kw)
        self.assigns, self.over = assigns, threading.Event()
        self.cache.join()
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            self.cache.hello()
            if self.assigns:
                self.cache.assign([self.cache.own], [0] * 256)

    def close(self):
        self.over.set()
        self.join(10)
        self.cache.close()
