"""Never answers, and does not end when it is told to."""

import time

import _adapter

_adapter.hello()
while True:
    time.sleep(60)
