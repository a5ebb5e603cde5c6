# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for a Squid that connects with its clients' addresses: a transparent port
whose connections are passed on to where they were going.

    relay.py NAME PORT

Every client is told NAME first.
"""

import asyncio
import socket
import sys

IP_TRANSPARENT = 19


def transparent_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    return s


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def relay(name, reader, writer):
    upstream = transparent_socket()
    upstream.setblocking(False)
    upstream.bind((writer.get_extra_info("peername")[0], 0))
    await asyncio.get_running_loop().sock_connect(
        upstream, writer.get_extra_info("sockname"))
    up_reader, up_writer = await asyncio.open_connection(sock=upstream)
    greeting = await up_reader.readline()
    writer.write(f"{name} {greeting.decode()}".encode())
    await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))


async def main():
    name, port = sys.argv[1], int(sys.argv[2])
    s = transparent_socket()
    s.bind(("0.0.0.0", port))
    server = await asyncio.start_server(lambda r, w: relay(name, r, w), sock=s,
                                        backlog=1024)
    await server.serve_forever()


asyncio.run(main())
