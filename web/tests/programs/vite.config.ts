/** Programs for Node, built from the sources as the browser's are: for the walks across languages and for the figures. */

import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  logLevel: "warn",
  ssr: { noExternal: true },
  build: {
    ssr: true,
    target: "node22",
    emptyOutDir: true,
    rollupOptions: {
      input: {
        benchMls: "tests/programs/benchMls.ts",
        benchSframe: "tests/programs/benchSframe.ts",
        peer: "tests/programs/peer.ts",
      },
      output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
    },
  },
});
