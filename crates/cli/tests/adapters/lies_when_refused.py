"""Does everything right, but says that it worked when it did not."""

import _adapter


def answer(case):
    return {**_adapter.attempt(case), "outcome": "worked", "received": case["value"]}


_adapter.run(answer)
