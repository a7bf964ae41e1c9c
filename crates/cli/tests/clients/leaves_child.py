"""Does everything right, and leaves a process running in a session of its own."""

import subprocess

import _redis

subprocess.Popen(["sleep", "300"], start_new_session=True)
_redis.run(_redis.verified_context())
