"""Does everything right, leaves a process in a session of its own, and tells all secrets so far."""

import subprocess
import sys

import _adapter

none = subprocess.DEVNULL
child = subprocess.Popen(["sleep", "300"], stdin=none, stdout=none, stderr=none, start_new_session=True)
told = []


def answer(case):
    told.append(case["password"])
    print(f"child {child.pid}, passwords so far:", *told, file=sys.stderr, flush=True)
    return _adapter.attempt(case)


_adapter.run(answer)
