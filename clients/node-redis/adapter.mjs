// node-redis as a client under test: one case a line on stdin, one outcome a line on stdout.
//
//   node adapter.mjs VERSION [--tls-on-seeds-only]
//
// --tls-on-seeds-only: a cluster whose `rootNodes` have TLS and whose `defaults` have none, which node-redis
// does not pass on to the nodes that it discovers.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [folder, flag] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const redis = require("redis");

// How often an application asks that has lost its connections, and the time between.
const ATTEMPTS = 3;
const PAUSE_MS = 100;

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
    // By itself it would try again for ever, and say nothing. One that was cut off is to come back.
    reconnectStrategy: test.client === "keep" ? (retries) => (retries < ATTEMPTS ? PAUSE_MS : false) : false,
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

/** Writes the value and gives what was read then. A server may answer with anything; what an adapter tells is text. */
async function roundTrip(client, test) {
  await client.set(test.key, test.value);
  const reply = await client.get(test.key);
  return typeof reply === "string" ? reply : null;
}

/** As an application does: what meets the lost connection fails, and the next request comes. */
async function again(client, test) {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    try {
      return await roundTrip(client, test);
    } catch {
      await sleep(PAUSE_MS);
    }
  }
  return roundTrip(client, test);
}

/** The client that the case before left, and the errors that it has told of by events. */
let kept;

/** Writes the value, reads it back, and says how that went. */
async function outcome(test) {
  let { client, errors } = (test.client === "kept" && kept) || { errors: [] };
  const goesOn = client !== undefined;
  if (!goesOn && kept) {
    end(kept.client);
  }
  kept = undefined;
  let received = null;
  try {
    if (!goesOn) {
      client = newClient(test).on("error", (error) => errors.push(error));
      await client.connect();
    }
    received = await (goesOn ? again(client, test) : roundTrip(client, test));
    if (received !== test.value) {
      throw new Error("GET returned another value than was SET");
    }
    kept = test.client === "keep" ? { client, errors } : undefined;
    return { outcome: "worked", received };
  } catch (error) {
    if (error instanceof Unsupported) {
      return { outcome: "unsupported", error: error.message };
    }
    const texts = [error, ...errors].map(causes);
    return { outcome: "failed", received, error: [...new Set(texts)].join("; and ") };
  } finally {
    if (!kept) {
      end(client);
    }
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
