// node-redis with its TLS options in an object, where only `tls: true` counts: plaintext.
//
//   node node-redis.mjs FOLDER   the folder with node_modules: clients/node-redis/6.3.1

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const redis = createRequire(`${resolve(process.argv[2])}/`)("redis");
const env = process.env;
const client = redis.createClient({
  username: env.WIRELAB_USERNAME,
  password: env.WIRELAB_PASSWORD,
  socket: {
    host: env.WIRELAB_HOST,
    port: Number(env.WIRELAB_PORT),
    tls: { ca: readFileSync(env.WIRELAB_CA) },
    reconnectStrategy: false,
    connectTimeout: 3000,
  },
});
client.on("error", (error) => console.error(String(error)));
await client.connect();
await client.set(env.WIRELAB_KEY, env.WIRELAB_VALUE);
process.exit((await client.get(env.WIRELAB_KEY)) === env.WIRELAB_VALUE ? 0 : 1);
