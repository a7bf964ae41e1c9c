// ioredis with `ssl: true`, an option that it does not have: plaintext.
//
//   node ioredis.mjs FOLDER   the folder with node_modules: clients/ioredis/6.0.0

import { createRequire } from "node:module";
import { resolve } from "node:path";

const Redis = createRequire(`${resolve(process.argv[2])}/`)("ioredis");
const env = process.env;
const client = new Redis({
  host: env.WIRELAB_HOST,
  port: Number(env.WIRELAB_PORT),
  username: env.WIRELAB_USERNAME,
  password: env.WIRELAB_PASSWORD,
  ssl: true,
  connectTimeout: 3000,
  retryStrategy: () => null,
});
client.on("error", (error) => console.error(String(error)));
await client.set(env.WIRELAB_KEY, env.WIRELAB_VALUE);
process.exit((await client.get(env.WIRELAB_KEY)) === env.WIRELAB_VALUE ? 0 : 1);
