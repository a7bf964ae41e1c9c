# redis-rb with `ssl_params` and no `ssl: true`: plaintext.

require "redis"

# It would take the scheme from there, where it is set.
ENV.delete("REDIS_URL")
client = Redis.new(
  host: ENV.fetch("WIRELAB_HOST"), port: ENV.fetch("WIRELAB_PORT").to_i,
  username: ENV.fetch("WIRELAB_USERNAME"), password: ENV.fetch("WIRELAB_PASSWORD"),
  ssl_params: { ca_file: ENV.fetch("WIRELAB_CA") }, timeout: 3, reconnect_attempts: 0
)
client.set(ENV.fetch("WIRELAB_KEY"), ENV.fetch("WIRELAB_VALUE"))
exit(client.get(ENV.fetch("WIRELAB_KEY")) == ENV.fetch("WIRELAB_VALUE"))
