import { guest, tryAll } from "../kit.ts";

const names = [
  "file:///etc/passwd",
  "/etc/passwd",
  "../../../etc/passwd",
  "./index.ts",
  "data:text/javascript,export default 1",
  "data:application/json,{}",
  "blob:nodedata:1",
  "http://127.0.0.1/x.js",
  "https://example.com/x.js",
  "npm:hono",
  "jsr:@std/fs",
  "hono",
  "undici",
  "/proc/self/environ",
  "",
];
export default guest(() =>
  tryAll(
    Object.fromEntries(
      names.map((specifier) => [
        specifier || "empty",
        async () => (typeof (await import(specifier)).default === "undefined" ? undefined : "loaded"),
      ]),
    ),
  ),
);
