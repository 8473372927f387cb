import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("app", import.meta.url)),
  // The client's own sources, so that the page is built from what is published and nothing in between.
  resolve: { conditions: ["source", "module", "browser", "production"] },
  build: {
    target: "es2023",
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    // Beside the pages' own files, which have no hash in their names.
    assetsDir: "assets",
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    license: { fileName: "licenses.txt" },
    rolldownOptions: {
      // What screens share comes in one file, not in ten.
      output: { codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] } },
    },
  },
});
