// What the adapters in JavaScript share: cases in on stdin, outcomes out on stdout, one JSON line each.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How often an application asks that has lost its connections. */
export const ATTEMPTS = 3;
/** The time between. */
export const PAUSE_MS = 100;

/** What the library has no way to do. */
export class Unsupported extends Error {}

/** Milliseconds to connect in: shorter than the deadline, so that the library's own error is what people read. */
export function connectTimeout(test) {
  return Math.round(test.deadline_ms * 0.6);
}

/** Node's own options for TLS, which both libraries hand on. */
export function tlsOptions(test) {
  const tls = { ca: readFileSync(test.ca), rejectUnauthorized: test.verify };
  if (test.client_cert) {
    Object.assign(tls, { cert: readFileSync(test.client_cert), key: readFileSync(test.client_key) });
  }
  return tls;
}

/** For a topology that the adapter does not know: it is not to be taken for another one. */
export function unknownTopology(test) {
  return new Unsupported(`the adapter knows no topology ${test.topology}`);
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
async function outcome(test, { make, connect, end }) {
  let { client, errors } = (test.client === "kept" && kept) || { errors: [] };
  const goesOn = client !== undefined;
  if (!goesOn && kept) {
    end(kept.client);
  }
  kept = undefined;
  let received = null;
  try {
    if (!goesOn) {
      client = make(test).on("error", (error) => errors.push(error));
      await connect(client);
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
    if (!kept && client) {
      end(client);
    }
  }
}

/**
 * Answers cases until the input ends. `make` gives a client for a case, `connect` waits until it is connected where the
 * library wants to be told, `end` ends it at once.
 */
export async function run({ adapter, library, version }, client) {
  const answer = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const say = (line) => answer(`${JSON.stringify(line)}\n`);
  // What an ended client still says must not end the adapter.
  process.on("unhandledRejection", (error) => console.error(causes(error)));
  process.on("uncaughtException", (error) => console.error(causes(error)));

  say({ protocol: 1, adapter, library, version, runtime: `Node.js ${process.version}` });
  for await (const line of createInterface({ input: process.stdin })) {
    const test = JSON.parse(line);
    say({ id: test.id, ...(await outcome(test, client)) });
  }
  process.exit(0);
}
