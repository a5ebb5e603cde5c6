# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading a connection to its end."""

import contextlib


def everything(s):
    """All that comes until the connection ends, or is reset."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while part := s.recv(65536):
            got += part
    return got
