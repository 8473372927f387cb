import { cpSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = resolve(process.argv[2] ?? here("../src/todo/web"));

mkdirSync(out, { recursive: true });
cpSync(here("pages"), out, { recursive: true });

// The licence files travel with the code: Apache-2.0 asks for it, and the
// bundle's first line points to its own list by name.
const vendored = {
  "swagger-ui-bundle.js": "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
  "swagger-ui.css": "swagger-ui.css",
  LICENSE: "swagger-ui.LICENSE.txt",
  NOTICE: "swagger-ui.NOTICE.txt",
};
for (const [from, to] of Object.entries(vendored)) {
  cpSync(here(`node_modules/swagger-ui-dist/${from}`), resolve(out, to));
}
