/**
 * Nebula's own keys. They stand under `[nebula]` and `[env.NAME.nebula]` only, so that wrangler's words stay wrangler's.
 *
 * `cpu_ms` and `subrequests` are not here: wrangler has them under `[limits]`.
 */

import {
  DEFAULT_LIMITS,
  DEFAULT_SCALING,
  ENGINE_NAMES,
  MAX_HEADER_BYTES,
  RUNTIME_NAMES,
  STRATEGIES,
} from "../model/function.ts";
import { formatBytes, GIB, KIB, MIB } from "../model/units.ts";
import { toField, toHonoured, toKey } from "./key.ts";
import { CONTAINER } from "./keys-container.ts";
import type { Field, Keys } from "./schema.ts";
import { FLAG, TEXT, TEXTS, toCount, toList, toMap, toRequired, toSize, toTable, toWord } from "./shape.ts";

const HOUR_MS = 3_600_000;

function toMs(min: number, max: number, text: { does: string; defaultMs: number }): Field {
  return toField(toCount(min, max), toHonoured(`${text.does}, in milliseconds; ${text.defaultMs} unless given.`));
}

function toBytes(min: number, max: number, text: { does: string; defaultBytes: number }): Field {
  return toField(toSize(min, max), toHonoured(`${text.does}; ${formatBytes(text.defaultBytes)} unless given.`));
}

function toNumber(min: number, max: number, text: { does: string; default: number }): Field {
  return toField(toCount(min, max), toHonoured(`${text.does}; ${text.default} unless given.`));
}

const LIMITS = toTable({
  wall_ms: toMs(1, HOUR_MS, {
    does: "From the request to the response head, and between two chunks of the body",
    defaultMs: DEFAULT_LIMITS.wallMs,
  }),
  memory: toBytes(16 * MIB, 4 * GIB, {
    does: "Everything one instance holds: heap, buffers and Wasm memory",
    defaultBytes: DEFAULT_LIMITS.memoryBytes,
  }),
  request_body: toBytes(0, 100 * GIB, {
    does: "The body of a request",
    defaultBytes: DEFAULT_LIMITS.requestBodyBytes,
  }),
  response_body: toBytes(0, 100 * GIB, {
    does: "The body of a response",
    defaultBytes: DEFAULT_LIMITS.responseBodyBytes,
  }),
  headers: toBytes(KIB, MAX_HEADER_BYTES, {
    does: "All header lines of a request or of a response",
    defaultBytes: DEFAULT_LIMITS.headerBytes,
  }),
  log: toBytes(0, 64 * MIB, {
    does: "Console output kept of one invocation",
    defaultBytes: DEFAULT_LIMITS.logBytes,
  }),
  wait_until_ms: toMs(0, HOUR_MS, {
    does: "How long `ctx.waitUntil` may go on after the response",
    defaultMs: DEFAULT_LIMITS.waitUntilMs,
  }),
  start_ms: toMs(1, 600_000, {
    does: "Evaluation of the module's top level",
    defaultMs: DEFAULT_LIMITS.startMs,
  }),
});

const SCALING = toTable({
  min_instances: toNumber(0, 100, {
    does: "Instances kept without work; at most `max_instances`",
    default: DEFAULT_SCALING.minInstances,
  }),
  max_instances: toNumber(1, 100, { does: "Instances at the most", default: DEFAULT_SCALING.maxInstances }),
  concurrency: toNumber(1, 10_000, {
    does: "Requests at once on one instance",
    default: DEFAULT_SCALING.concurrency,
  }),
  queue_depth: toNumber(0, 100_000, {
    does: "Requests that may wait for an instance",
    default: DEFAULT_SCALING.queueDepth,
  }),
  queue_ms: toMs(0, HOUR_MS, { does: "How long a request may wait", defaultMs: DEFAULT_SCALING.queueMs }),
  idle_ms: toMs(0, 24 * HOUR_MS, {
    does: "An instance without work for so long is stopped",
    defaultMs: DEFAULT_SCALING.idleMs,
  }),
});

const PROOF = toList(
  toTable({
    method: toField(TEXT, toHonoured("The method; `GET` unless given.")),
    path: toRequired(TEXT, toHonoured("The path with its query, `/?n=10`.")),
    body: toField(TEXT, toHonoured("The body; none unless given.")),
  }),
);
/** Names the file behind the form for each engine. */
const FORMS = toTable({
  isolate: toField(TEXT, toHonoured("The entry of its form for `isolate`; `main` unless given.")),
  wasi: toField(
    TEXT,
    toHonoured("The entry of its form for `wasi`, JavaScript or a `.wasm` file; `main` unless given."),
  ),
  container: toField(
    TEXT,
    toHonoured("The Dockerfile, built with the project's folder as its context; `Dockerfile` unless given."),
  ),
});
const PROOF_SAYS =
  "Requests to a Wasm program, each with the same answer every time: the build and the node send them to see that it answers, and how fast; one `GET /` unless given.";

/** The key `nebula` with everything under it. */
export const NEBULA_KEYS: Keys = {
  nebula: toKey(
    "each key",
    toTable({
      engines: toField(
        toList(toWord(...ENGINE_NAMES)),
        toHonoured(
          'Which engines may run the function, in the order wanted. Unless given: `["isolate"]`, `["wasi"]` with a `.wasm` file as `main`, `["container"]` where there is no entry file but a `Dockerfile`.',
        ),
      ),
      runtime: toField(
        toWord(...RUNTIME_NAMES),
        toHonoured(
          "What runs the JavaScript of the engine `isolate`: the node's own Node, or Deno where its package is installed beside Nebula; `node` unless given.",
        ),
      ),
      forms: toField(FORMS, toHonoured("The files that it is made of, by engine, where that is not `main`.")),
      strategy: toField(
        toWord(...STRATEGIES),
        toHonoured(
          "How one of several engines is chosen: the first that can, another one while the container starts and then the container for what is heavy, or whichever took least; `ordered` unless given.",
        ),
      ),
      idempotent: toField(
        FLAG,
        toHonoured(
          "`true`: a request that failed in one engine before it was answered may be made again in the next, whatever its method; `false` unless given.",
        ),
      ),
      allow_weaker: toField(
        toList(toWord(...ENGINE_NAMES)),
        toHonoured("Engines that may take over although they isolate less than those before them; none unless given."),
      ),
      interface: toField(
        toWord("stdio", "cgi", "http"),
        toHonoured(
          "How a program is asked: by standard input and output (a Wasm program, or a container started for each request), by CGI/1.1 (a Wasm program), by HTTP (a container); `stdio` for Wasm and `http` for a container unless given. A component that exports a handler is asked through that.",
        ),
      ),
      args: toField(TEXTS, toHonoured("Arguments of a Wasm program, after its name.")),
      state: toField(
        TEXT,
        toHonoured("A folder of a Wasm program, `/state`, that outlives the invocation; none unless given."),
      ),
      files: toField(
        toMap(TEXT),
        toHonoured(
          "Files that ship with a Wasm program, to be read only: path inside it → file or folder of the project.",
        ),
      ),
      proof: toField(PROOF, toHonoured(PROOF_SAYS)),
      outbound: toField(
        TEXTS,
        toHonoured(
          "Hosts that `fetch` may reach: `api.example.com`, `*.example.com`, `127.0.0.1:9000`; none unless given. `*` is for containers, which have all of the network with it and none without.",
        ),
      ),
      container: toField(CONTAINER, toHonoured("How a container is run, and what it may use.")),
      limits: toField(LIMITS, toHonoured("Ceilings beyond those of wrangler's `[limits]`.")),
      scaling: toField(SCALING, toHonoured("How many instances, and how many requests on each.")),
    }),
    toHonoured("Nebula's own keys. An unknown key here is an error."),
  ),
};
