import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { version } from "./package.json" with { type: "json" };

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  define: { "import.meta.env.VITE_VERSION": JSON.stringify(version) },
  build: {
    target: "es2022",
    sourcemap: false,
    // One stylesheet and few chunks: the shell must stay within 60 kB gzip.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    // The gallery of views, for tests and for looking: vite build --mode gallery --outDir …
    ...(mode === "gallery" ? { rollupOptions: { input: "tests/ui/gallery/index.html" } } : {}),
  },
  worker: { format: "es" as const },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
}));
