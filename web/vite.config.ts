import { createHash } from "node:crypto";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import project from "./package.json" with { type: "json" };

/** Beside the build: what is copied as it is, and what the page needs before anything else can be shown. */
const COPIED = ["icon.svg", "icon-180.png", "icon-512.png", "manifest.webmanifest"];
const SERVICE_WORKER = "sw.js";

/** Tell the service worker what this build consists of. */
function offline(): Plugin {
  return {
    name: "collegium-offline",
    // After the style sheet is there.
    enforce: "post",
    generateBundle(_, bundle) {
      const worker = bundle[SERVICE_WORKER];
      if (worker?.type !== "chunk") return;
      const names = Object.keys(bundle).filter((name) => name.startsWith("assets/"));
      const files = [...names, ...COPIED].sort().map((name) => `/${name}`);
      // Hashes are in the names, so the names say which build this is.
      const build = createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 16);
      worker.code = worker.code
        .replaceAll("BUILD_FILES", JSON.stringify(files))
        .replaceAll("BUILD_NAME", JSON.stringify(build));
    },
  };
}

/** Pages for tests and for looking: vite build --mode NAME --outDir … */
const PAGES: Readonly<Record<string, string>> = {
  gallery: "tests/ui/gallery/index.html",
  calls: "tests/calls/page/index.html",
  curves: "tests/mls/page/index.html",
};

const PURE_TESTS = ["mls", "sframe", "attachments", "ui", "identity", "vault", "room/core"].map(
  (folder) => `tests/${folder}/**/*.test.ts`,
);

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), offline()],
  define: { "import.meta.env.VITE_VERSION": JSON.stringify(project.version) },
  build: {
    target: "es2022",
    sourcemap: false,
    // One stylesheet and few chunks: the shell must stay within 60 kB gzip.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rollupOptions:
      PAGES[mode] !== undefined
        ? { input: PAGES[mode] }
        : {
            input: { index: "index.html", sw: "src/ui/offline/worker.ts" },
            output: {
              entryFileNames: ({ name }) => (name === "sw" ? SERVICE_WORKER : "assets/[name]-[hash].js"),
            },
          },
  },
  worker: { format: "es" as const },
  test: {
    environment: "node",
    testTimeout: 60_000,
    projects: [
      // Without anything that a file leaves to the next: one process for many, so that what was compiled stays so.
      { extends: true, test: { name: "pure", include: PURE_TESTS, isolate: false } },
      {
        extends: true,
        test: { name: "each", include: ["tests/**/*.test.ts"], exclude: PURE_TESTS },
      },
    ],
  },
}));
