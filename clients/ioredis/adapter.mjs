// ioredis as a client under test: one case a line on stdin, one outcome a line on stdout.
//
//   node adapter.mjs VERSION [--tls-on-seeds-only]
//
// --tls-on-seeds-only: a cluster with `tls` on its start-up nodes but not in `redisOptions`, and Sentinels with
// `sentinelTLS` and `tls` but not `enableTLSForSentinelMode`: what is discovered is spoken to in plaintext.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [folder, flag] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const Redis = require("ioredis");
const tlsOnSeedsOnly = flag === "--tls-on-seeds-only";

// How often an application asks that has lost its connections, and the time between.
const ATTEMPTS = 3;
const PAUSE_MS = 100;

const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
// What an ended client still says must not end the adapter.
process.on("unhandledRejection", (error) => console.error(causes(error)));
process.on("uncaughtException", (error) => console.error(causes(error)));

/** `tls` as in ioredis's README: Node's own TLS options. */
function tlsOptions(test) {
  if (!test.tls) {
    return undefined;
  }
  const tls = { ca: readFileSync(test.ca), rejectUnauthorized: test.verify };
  if (test.client_cert) {
    Object.assign(tls, { cert: readFileSync(test.client_cert), key: readFileSync(test.client_key) });
  }
  return tls;
}

function newClient(test) {
  const { username, password, host, port } = test;
  const tls = tlsOptions(test);
  const options = {
    username,
    password,
    tls,
    // Shorter than the deadline, so that the library's own error is what people read.
    connectTimeout: Math.round(test.deadline_ms * 0.6),
    // By itself it would try again 20 times. One that was cut off is to come back.
    retryStrategy: (times) => (test.client === "keep" && times <= ATTEMPTS ? PAUSE_MS : null),
  };
  if (test.topology === "cluster") {
    const seed = tlsOnSeedsOnly ? { host, port, tls } : { host, port };
    const redisOptions = { ...options };
    if (tlsOnSeedsOnly) {
      delete redisOptions.tls;
    }
    return new Redis.Cluster([seed], { redisOptions, clusterRetryStrategy: () => null });
  }
  if (test.topology === "sentinel") {
    return new Redis({
      ...options,
      sentinels: [{ host, port }],
      name: test.service,
      sentinelUsername: username,
      sentinelPassword: password,
      sentinelTLS: tls,
      // Without this, `tls` is ignored for the master.
      enableTLSForSentinelMode: !tlsOnSeedsOnly,
      sentinelRetryStrategy: () => null,
    });
  }
  return new Redis({ ...options, host, port });
}

/** The error and what caused it, outermost first. */
function causes(error) {
  const texts = [];
  for (let cause = error; cause && texts.length < 6; cause = cause.cause ?? cause.errors?.[0]) {
    texts.push(`${cause.name ?? "Error"}: ${cause.message}${cause.code ? ` (${cause.code})` : ""}`);
  }
  return texts.join("; caused by ");
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
    kept.client.disconnect();
  }
  kept = undefined;
  let received = null;
  try {
    if (!goesOn) {
      client = newClient(test).on("error", (error) => errors.push(error));
    }
    received = await (goesOn ? again(client, test) : roundTrip(client, test));
    if (received !== test.value) {
      throw new Error("GET returned another value than was SET");
    }
    kept = test.client === "keep" ? { client, errors } : undefined;
    return { outcome: "worked", received };
  } catch (error) {
    const texts = [error, ...errors].map(causes);
    return { outcome: "failed", received, error: [...new Set(texts)].join("; and ") };
  } finally {
    if (!kept) {
      client?.disconnect();
    }
  }
}

function say(line) {
  answer(`${JSON.stringify(line)}\n`);
}

say({
  protocol: 1,
  adapter: "ioredis",
  library: "ioredis",
  version: require("ioredis/package.json").version,
  runtime: `Node.js ${process.version}`,
});
for await (const line of createInterface({ input: process.stdin })) {
  const test = JSON.parse(line);
  say({ id: test.id, ...(await outcome(test)) });
}
process.exit(0);
