# redis-rb as a client under test: one case a line on stdin, one outcome a line on stdout.

require "json"
require "redis"

ANSWERS = $stdout.dup
$stdout.reopen($stderr) # what the library prints is no answer

def answer(line)
  ANSWERS.puts(JSON.generate(line))
  ANSWERS.flush
end

# `ssl: true` and `ssl_params`, which are those of Ruby's OpenSSL::SSL::SSLContext.
def tls_options(test)
  return {} unless test["tls"]

  params = { ca_file: test["ca"] }
  params[:verify_mode] = OpenSSL::SSL::VERIFY_NONE unless test["verify"]
  if test["client_cert"]
    params[:cert] = OpenSSL::X509::Certificate.new(File.read(test["client_cert"]))
    params[:key] = OpenSSL::PKey.read(File.read(test["client_key"]))
  end
  { ssl: true, ssl_params: params }
end

# What the library has no way to do.
class Unsupported < StandardError; end

def options(test)
  common = { username: test["username"], password: test["password"], **tls_options(test),
             # Shorter than the deadline, so that the library's own error is what people read.
             timeout: test["deadline_ms"] / 1000.0 * 0.4, reconnect_attempts: 0 }
  server = { host: test["host"], port: test["port"] }
  case test.fetch("topology", "standalone")
  when "cluster" then { cluster: [server], **common }
  when "sentinel"
    # Sentinels get the client's own options, TLS and credentials included.
    credentials = { username: test["username"], password: test["password"] }
    { host: test["service"], sentinels: [server.merge(credentials)], role: :master, **common }
  when "clear-sentinel" then raise Unsupported, "redis-rb 4 has one setting of TLS for Sentinels and data nodes"
  when "standalone" then server.merge(common)
  else raise Unsupported, "the adapter knows no topology #{test['topology']}"
  end
end

# The error and what caused it, outermost first.
def causes(error)
  texts = []
  while error && texts.size < 6
    texts << "#{error.class}: #{error.message}"
    error = error.cause
  end
  texts.join("; caused by ")
end

# Writes the value, reads it back, and says how that went.
def outcome(test)
  client = nil
  received = nil
  client = Redis.new(**options(test))
  client.set(test["key"], test["value"])
  received = client.get(test["key"])&.force_encoding("UTF-8")&.scrub
  return { outcome: "worked", received: received } if received == test["value"]

  { outcome: "failed", received: received, error: "GET returned another value than was SET" }
rescue Unsupported => e
  { outcome: "unsupported", error: e.message }
rescue StandardError => e
  { outcome: "failed", received: received, error: causes(e).scrub }
ensure
  begin
    client&.close
  rescue StandardError
    # It was never connected.
  end
  # redis-rb leaves the socket of a failed TLS handshake to the garbage collector, open until then: not into the next case.
  GC.start
end

answer(protocol: 1, adapter: "redis-rb", library: "redis", version: Redis::VERSION, runtime: "Ruby #{RUBY_VERSION}")
$stdin.each_line do |line|
  test = JSON.parse(line)
  answer(id: test["id"], **outcome(test))
end
