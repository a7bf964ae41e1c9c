"""Does everything right, starts a process in a session of its own, and tells secrets to standard error."""

import subprocess
import sys

import _adapter

subprocess.Popen(["sleep", "300"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL, start_new_session=True)
told = []


def answer(case):
    told.append(case["password"])
    print("passwords so far:", *told, file=sys.stderr, flush=True)
    return _adapter.attempt(case)


_adapter.run(answer)
