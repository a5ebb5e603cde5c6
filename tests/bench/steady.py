# SPDX-License-Identifier: GPL-2.0-or-later
"""steady.py PORT: an HTTP server whose answers come evenly.

GET /steady/SECONDS/... is answered for so many seconds, 2,000 octets every 100 ms, and
GET /idle/SECONDS/... with 10 octets every 10 s.  The octets are numbered lines, so that
whoever reads them sees whether any is missing."""

import asyncio
import resource
import sys

LINE = 10  # octets of a numbered line, with its end
PACE = {"steady": (0.1, 2000), "idle": (10.0, LINE)}  # s, octets


def content(first, octets):
    """The part of every answer that begins at line `first`."""
    return b"".join(b"%09d\n" % n for n in range(first, first + octets // LINE))


async def serve(reader, writer):
    try:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().split("/")
        pause, octets = PACE[path[1]]
        steps = int(int(path[2]) / pause)
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n"
                     b"Cache-Control: no-store\r\n\r\n" % (steps * octets))
        for step in range(steps):
            writer.write(content(step * octets // LINE, octets))
            await writer.drain()
            await asyncio.sleep(pause)
    except (OSError, EOFError, ValueError, LookupError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(main())
