import { guest, tryAll } from "../kit.ts";

const names = [
  "fs",
  "fs/promises",
  "child_process",
  "worker_threads",
  "cluster",
  "net",
  "tls",
  "dgram",
  "dns",
  "http",
  "https",
  "http2",
  "inspector",
  "module",
  "os",
  "process",
  "repl",
  "v8",
  "vm",
  "wasi",
  "sqlite",
  "ffi",
  "test",
  "sea",
  "trace_events",
  "internal/bootstrap/realm",
  "_http_client",
];
export default guest(() =>
  tryAll(
    Object.fromEntries(
      names
        .flatMap((name) => [name, `node:${name}`])
        .map((specifier) => [specifier, async () => Object.keys(await import(specifier)).join()]),
    ),
  ),
);
