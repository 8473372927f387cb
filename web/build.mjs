import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = resolve(process.argv[2] ?? here("../src/todo/web"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
cpSync(here("pages"), out, { recursive: true });

// The first line of the bundle names the list of what is in it.
for (const name of ["swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css"]) {
  cpSync(here(`node_modules/swagger-ui-dist/${name}`), resolve(out, name));
}

await build({ configFile: here("vite.config.ts"), build: { outDir: out }, logLevel: "warn" });

// Licences travel with the code: Vite wrote those of what it bundled; what comes as a bundle has a list of its own.
const vendored = (name) => readFileSync(here(`node_modules/swagger-ui-dist/${name}`), "utf8").trim();
const { version: vendoredVersion, license } = JSON.parse(vendored("package.json"));
const texts = ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"].map(vendored);
appendFileSync(resolve(out, "licenses.txt"), ["", `## swagger-ui-dist - ${vendoredVersion} (${license})`, ...texts, ""].join("\n\n"));

// What keeps the page in a browser has to know its files by their names.
const assets = resolve(out, "assets");
const files = [...readdirSync(assets).map((name) => `/assets/${name}`), "/static/favicon.svg", "/static/theme.js"];
const version = createHash("sha256").update(readFileSync(resolve(out, "index.html"))).update(files.join()).digest("hex").slice(0, 12);
await build({
  configFile: false,
  logLevel: "warn",
  define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(version) },
  build: {
    outDir: out,
    emptyOutDir: false,
    copyPublicDir: false,
    rollupOptions: { input: here("app/src/offline/worker.ts"), output: { entryFileNames: "sw.js", format: "iife" } },
  },
});

// Compressed once, here, as well as it can be; the server only picks.
for (const name of readdirSync(assets)) {
  const content = readFileSync(join(assets, name));
  writeFileSync(join(assets, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(assets, `${name}.gz`), gzipSync(content, { level: 9 }));
}
