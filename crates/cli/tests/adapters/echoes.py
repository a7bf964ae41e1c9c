"""Does everything right, and tells each case to standard error."""

import json
import sys

import _adapter


def answer(case):
    print(json.dumps(case), file=sys.stderr, flush=True)
    return _adapter.attempt(case)


_adapter.run(answer)
