"""A parser of replies that bounds nothing, as one may write it in C."""

import os
import sys

# From one call to the next it goes through `map`, which takes of the stack: there it ends, and not here.
sys.setrecursionlimit(1 << 30)


def reply(stream):
    line = stream.readline(65536)
    kind, rest = line[:1], line[1:-2]
    if kind == b"$":
        length = int(rest)
        if length < -1:
            # As a length it is larger than all memory: there is no telling what is written over.
            os.abort()
        room = b"\xff" * length
        return stream.read(length + 2)[: len(room)]
    if kind == b"*":
        room = [None] * int(rest)
        return list(map(lambda _: reply(stream), room))
    if kind == b"|":
        list(map(lambda _: reply(stream), range(2 * int(rest))))
        return list(map(lambda _: reply(stream), range(1)))[0]
    if kind in b"+:" and line:
        return rest
    raise ConnectionError(f"the peer answers {line[:200]!r}")
