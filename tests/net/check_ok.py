# SPDX-License-Identifier: GPL-2.0-or-later
"""check_ok.py PORT: answers health checks on 127.0.0.1.  Hundreds of them are started in a
run of all tests, each with little to import."""

import socket
import sys

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
while True:
    conn, _ = s.accept()
    try:
        conn.recv(4096)
        conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    except OSError:
        pass
    conn.close()
