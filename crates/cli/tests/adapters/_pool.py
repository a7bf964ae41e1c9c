"""A client that stays connected where the lab asks for that, and connects again when it was cut off."""

import _adapter


def is_cut(connection):
    """Whether the other side ended it, or does within the timeout."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def run(again):
    """`again` is the context of whoever was cut off."""
    kept = None

    def work(case):
        nonlocal kept
        if case["client"] == "kept":
            if kept is None or not is_cut(kept):
                raise ConnectionError("nobody cut the connection off")
            kept.close()
            return _adapter.work(case, again)
        if case["client"] == "new":
            return _adapter.work(case)
        kept = _adapter.connect(case)
        return _adapter.exchange(kept, case)

    def answer(case):
        try:
            return {"id": case["id"], "outcome": "worked", "received": work(case)}
        except Exception as error:
            return {"id": case["id"], "outcome": "failed", "received": None, "error": repr(error)}

    _adapter.run(answer)
