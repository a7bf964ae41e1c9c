// node-redis as a client under test: one case a line on stdin, one outcome a line on stdout.
//
//   node adapter.mjs VERSION [--tls-on-seeds-only]
//
// --tls-on-seeds-only: a cluster whose `rootNodes` have TLS and whose `defaults` have none, which node-redis
// does not pass on to the nodes that it discovers.

import { createRequire } from "node:module";
import { ATTEMPTS, PAUSE_MS, Unsupported, connectTimeout, run, tlsOptions, unknownTopology } from "../node-shared/lab.mjs";

const [folder, flag] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const redis = require("redis");

/** The `socket` options of node-redis's README: `tls: true`, and Node's own TLS options beside it. */
function socketOptions(test) {
  return {
    connectTimeout: connectTimeout(test),
    // By itself it would try again for ever, and say nothing. One that was cut off is to come back.
    reconnectStrategy: test.client === "keep" ? (retries) => (retries < ATTEMPTS ? PAUSE_MS : false) : false,
    ...(test.tls ? { tls: true, ...tlsOptions(test) } : {}),
  };
}

function make(test) {
  const { username, password, host, port } = test;
  const socket = socketOptions(test);
  const node = { username, password, socket };
  const seed = { host, port };
  if (test.topology === "cluster") {
    const inClear = { username, password, socket: socketOptions({ ...test, tls: false }) };
    const defaults = flag === "--tls-on-seeds-only" ? inClear : node;
    return redis.createCluster({ rootNodes: [{ socket: { ...socket, ...seed } }], defaults });
  }
  if (test.topology === "sentinel" || test.topology === "clear-sentinel") {
    if (!redis.createSentinel) {
      throw new Unsupported("this version of node-redis knows no Sentinel");
    }
    if (test.topology === "clear-sentinel" && flag === "--tls-on-seeds-only") {
      throw new Unsupported("--tls-on-seeds-only is about clusters");
    }
    return redis.createSentinel({
      name: test.service,
      sentinelRootNodes: [seed],
      nodeClientOptions: node,
      // Sentinels get TLS and credentials only from here.
      sentinelClientOptions: test.topology === "sentinel" ? node : { socket: socketOptions({ ...test, tls: false }) },
      maxCommandRediscovers: 1,
    });
  }
  if (test.topology !== "standalone") {
    throw unknownTopology(test);
  }
  return redis.createClient({ ...node, socket: { ...socket, ...seed } });
}

/** Ends the client at once. Version 4 calls it `disconnect`. */
function end(client) {
  try {
    Promise.resolve((client.destroy ?? client.disconnect).call(client)).catch(() => {});
  } catch {
    // It was never connected, or is closed already.
  }
}

await run(
  { adapter: "node-redis", library: "redis", version: require("redis/package.json").version },
  { make, connect: (client) => client.connect(), end },
);
