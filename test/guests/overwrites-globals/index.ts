/** What a careless polyfill might take away. */
const OwnResponse = Response;
const names = [
  "Response",
  "Request",
  "Headers",
  "fetch",
  "Promise",
  "JSON",
  "setTimeout",
  "clearTimeout",
  "queueMicrotask",
  "console",
  "TextEncoder",
  "TextDecoder",
  "ErrorEvent",
  "DOMException",
];
for (const name of names) (globalThis as any)[name] = undefined;
export default { fetch: () => new OwnResponse("alive") };
