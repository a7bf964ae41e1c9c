"""Its library has no switch to turn verification off."""

import _adapter


def answer(case):
    if not case["verify"] and case["tls"]:
        return {"id": case["id"], "outcome": "unsupported", "error": "there is no such switch"}
    return _adapter.attempt(case)


_adapter.run(answer)
