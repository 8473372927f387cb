import { appendFile, readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const outfile = process.argv[2] ? resolve(process.argv[2]) : join(here, "../src/todo/auth/bundle/server.mjs");

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/server.ts"],
  outfile,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: "node",
  format: "esm",
  target: "node24",
  // pg asks for its optional native twin only when told to.
  external: ["pg-native"],
  // The CommonJS packages inside still call require() for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  legalComments: "external",
  metafile: true,
  logLevel: "warning",
});

// Few packages repeat their licence in their code; the bundle has to carry all of them.
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
);
for (const folder of [...bundled].sort()) {
  const { name, version, license } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
  const file = (await readdir(join(here, folder))).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(join(here, folder, file), "utf8") : "";
  await appendFile(`${outfile}.LEGAL.txt`, `\n---- ${name} ${version} (${license}) ----\n\n${text}`);
}
