"""Does everything right, but ends where a certificate was refused."""

import os

import _adapter


def answer(case):
    result = _adapter.attempt(case)
    if result["outcome"] == "failed":
        os.abort()
    return result


_adapter.run(answer)
