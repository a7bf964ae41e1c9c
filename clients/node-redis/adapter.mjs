// node-redis as a client under test: one case a line on stdin, one outcome a line on stdout.
//
//   node adapter.mjs VERSION [--tls-on-seeds-only]
//
// --tls-on-seeds-only: a cluster whose `rootNodes` have TLS and whose `defaults` have none, which node-redis
// does not pass on to the nodes that it discovers.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, flag] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const redis = require("redis");

const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
// What an ended client still says must not end the adapter.
process.on("unhandledRejection", (error) => console.error(causes(error)));
process.on("uncaughtException", (error) => console.error(causes(error)));

class Unsupported extends Error {}

/** The `socket` options of node-redis's README: `tls: true`, and Node's own TLS options beside it. */
function socketOptions(test) {
  const socket = {
    // Shorter than the deadline, so that the library's own error is what people read.
    connectTimeout: Math.round(test.deadline_ms * 0.6),
    // By itself it would try again for ever, and say nothing.
    reconnectStrategy: false,
  };
  if (test.tls) {
    Object.assign(socket, { tls: true, ca: readFileSync(test.ca), rejectUnauthorized: test.verify });
    if (test.client_cert) {
      Object.assign(socket, { cert: readFileSync(test.client_cert), key: readFileSync(test.client_key) });
    }
  }
  return socket;
}

function newClient(test) {
  const { username, password, host, port } = test;
  const socket = socketOptions(test);
  const node = { username, password, socket };
  const seed = { host, port };
  if (test.topology === "cluster") {
    const defaults = flag === "--tls-on-seeds-only" ? { username, password } : node;
    return redis.createCluster({ rootNodes: [{ socket: { ...socket, ...seed } }], defaults });
  }
  if (test.topology === "sentinel") {
    if (!redis.createSentinel) {
      throw new Unsupported("this version of node-redis knows no Sentinel");
    }
    return redis.createSentinel({
      name: test.service,
      sentinelRootNodes: [seed],
      nodeClientOptions: node,
      sentinelClientOptions: node,
      maxCommandRediscovers: 1,
    });
  }
  return redis.createClient({ ...node, socket: { ...socket, ...seed } });
}

/** The error and what caused it, outermost first. */
function causes(error) {
  const texts = [];
  for (let cause = error; cause && texts.length < 6; cause = cause.cause ?? cause.errors?.[0]) {
    texts.push(`${cause.name ?? "Error"}: ${cause.message}${cause.code ? ` (${cause.code})` : ""}`);
  }
  return texts.join("; caused by ");
}

/** Ends the client at once. Version 4 calls it `disconnect`. */
function end(client) {
  try {
    Promise.resolve((client?.destroy ?? client?.disconnect)?.call(client)).catch(() => {});
  } catch {
    // It was never connected, or is closed already.
  }
}

/** Writes the value, reads it back, and says how that went. */
async function outcome(test) {
  const errors = [];
  let client;
  let received = null;
  const attempt = async () => {
    client = newClient(test).on("error", (error) => errors.push(error));
    await client.connect();
    await client.set(test.key, test.value);
    const reply = await client.get(test.key);
    // A server may answer with anything, and what an adapter tells is text.
    received = typeof reply === "string" ? reply : null;
    if (received !== test.value) {
      throw new Error("GET returned another value than was SET");
    }
  };
  try {
    await attempt();
    return { outcome: "worked", received };
  } catch (error) {
    if (error instanceof Unsupported) {
      return { outcome: "unsupported", error: error.message };
    }
    const texts = [error, ...errors].map(causes);
    return { outcome: "failed", received, error: [...new Set(texts)].join("; and ") };
  } finally {
    end(client);
  }
}

function say(line) {
  answer(`${JSON.stringify(line)}\n`);
}

say({
  protocol: 1,
  adapter: "node-redis",
  library: "redis",
  version: require("redis/package.json").version,
  runtime: `Node.js ${process.version}`,
});
for await (const line of createInterface({ input: process.stdin })) {
  const test = JSON.parse(line);
  say({ id: test.id, ...(await outcome(test)) });
}
process.exit(0);
