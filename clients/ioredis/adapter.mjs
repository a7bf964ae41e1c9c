// ioredis as a client under test: one case a line on stdin, one outcome a line on stdout.
//
//   node adapter.mjs VERSION [--tls-on-seeds-only]
//
// --tls-on-seeds-only: a cluster with `tls` on its start-up nodes but not in `redisOptions`, and Sentinels with
// `sentinelTLS` and `tls` but not `enableTLSForSentinelMode`: what is discovered is spoken to in plaintext.

import { createRequire } from "node:module";
import { ATTEMPTS, PAUSE_MS, Unsupported, connectTimeout, run, tlsOptions, unknownTopology } from "../node-shared/lab.mjs";

const [folder, flag] = process.argv.slice(2);
const require = createRequire(new URL(`./${folder}/`, import.meta.url));
const Redis = require("ioredis");
const tlsOnSeedsOnly = flag === "--tls-on-seeds-only";

function make(test) {
  const { username, password, host, port } = test;
  // As in ioredis's README.
  const tls = test.tls ? tlsOptions(test) : undefined;
  const options = {
    username,
    password,
    tls,
    connectTimeout: connectTimeout(test),
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
  if (test.topology === "sentinel" || test.topology === "clear-sentinel") {
    const inClear = test.topology === "clear-sentinel";
    if (inClear && tlsOnSeedsOnly) {
      throw new Unsupported("with TLS on Sentinels only, none is asked without");
    }
    return new Redis({
      ...options,
      sentinels: [{ host, port }],
      name: test.service,
      ...(inClear ? {} : { sentinelUsername: username, sentinelPassword: password, sentinelTLS: tls }),
      // Without this, `tls` is ignored for the master.
      enableTLSForSentinelMode: !tlsOnSeedsOnly,
      sentinelRetryStrategy: () => null,
    });
  }
  if (test.topology !== "standalone") {
    throw unknownTopology(test);
  }
  return new Redis({ ...options, host, port });
}

await run(
  { adapter: "ioredis", library: "ioredis", version: require("ioredis/package.json").version },
  // It connects by itself.
  { make, connect: () => {}, end: (client) => client.disconnect() },
);
