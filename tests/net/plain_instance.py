# SPDX-License-Identifier: GPL-2.0-or-later
"""plain_instance.py NAME ADDRESS PORT: a stand-in for a Squid instance with a plain
http_port.  It answers whatever is asked by its name, the client that it sees, and the
address that was asked.

With an empty address it listens at all of both families, as Squid does."""

import socket
import sys

name, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(socket.AF_INET6 if ":" in address or not address else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((address, port))
s.listen(4096)
while True:
    conn, peer = s.accept()
    try:
        conn.recv(4096)
        text = f"{name} {peer[0]} {conn.getsockname()[0]}".replace("::ffff:", "")
        conn.sendall((f"HTTP/1.1 200 OK\r\nX-Instance: {text}\r\n"
                      "Content-Length: 0\r\nConnection: close\r\n\r\n").encode())
    except OSError:
        pass
    conn.close()
