"""redis-py with an authority to trust and no `ssl=True`: plaintext."""

import os

import redis

client = redis.Redis(
    host=os.environ["WIRELAB_HOST"],
    port=int(os.environ["WIRELAB_PORT"]),
    username=os.environ["WIRELAB_USERNAME"],
    password=os.environ["WIRELAB_PASSWORD"],
    ssl_ca_certs=os.environ["WIRELAB_CA"],
    socket_timeout=3,
)
client.set(os.environ["WIRELAB_KEY"], os.environ["WIRELAB_VALUE"])
assert client.get(os.environ["WIRELAB_KEY"]).decode() == os.environ["WIRELAB_VALUE"]
