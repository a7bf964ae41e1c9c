// ioredis's cluster with a `rediss://` URL for its seed, whose scheme it does not look at: plaintext.
//
//   node ioredis-cluster.mjs FOLDER   the folder with node_modules: clients/ioredis/6.0.0

import { createRequire } from "node:module";
import { resolve } from "node:path";

const Redis = createRequire(`${resolve(process.argv[2])}/`)("ioredis");
const env = process.env;
const cluster = new Redis.Cluster([env.REDIS_URL], {
  redisOptions: { connectTimeout: 3000 },
  clusterRetryStrategy: () => null,
});
cluster.on("error", (error) => console.error(String(error)));
await cluster.set(env.WIRELAB_KEY, env.WIRELAB_VALUE);
process.exit((await cluster.get(env.WIRELAB_KEY)) === env.WIRELAB_VALUE ? 0 : 1);
