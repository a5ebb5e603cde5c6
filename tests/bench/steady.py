# SPDX-License-Identifier: GPL-2.0-or-later
"""steady.py PORT: an HTTP server whose answers come evenly, 2,000 octets every 100 ms.

The answer to GET /steady/SECONDS/... takes so many seconds.  Its octets are numbered lines,
so that whoever reads them sees whether any is missing."""

import asyncio
import sys

STEP_S, STEP_OCTETS = 0.1, 2000
LINE = 10  # octets of a numbered line, with its end


def content(first, octets):
    """The part of every answer that begins at line `first`."""
    return b"".join(b"%09d\n" % n for n in range(first, first + octets // LINE))


async def serve(reader, writer):
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        steps = int(int(request.split(b"/")[2]) / STEP_S)
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n"
                     b"Cache-Control: no-store\r\n\r\n" % (steps * STEP_OCTETS))
        for step in range(steps):
            writer.write(content(step * STEP_OCTETS // LINE, STEP_OCTETS))
            await writer.drain()
            await asyncio.sleep(STEP_S)
    except (OSError, EOFError, ValueError, IndexError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
