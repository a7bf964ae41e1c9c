"""Does everything right, but never answers where a certificate was refused."""

import time

import _adapter


def answer(case):
    result = _adapter.attempt(case)
    while result["outcome"] == "failed":
        time.sleep(60)
    return result


_adapter.run(answer)
