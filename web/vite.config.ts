import { defineConfig } from "vitest/config";

// The server puts every page under /console/. In development, requests for the API go to a running server.
export default defineConfig({
  base: "/console/",
  esbuild: { jsx: "automatic" },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": process.env.FEEDMILL_URL ?? "http://127.0.0.1:8080" } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
