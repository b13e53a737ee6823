/**
 * The data port alone, on a free port, before functions that are closures of the test.
 */

import { type Gateway, type GatewayOptions, openGateway } from "../../src/http/gateway.ts";
import type { LiveFunction } from "../../src/live-function.ts";
import type { Answer, Call } from "../../src/model/exchange.ts";
import type { Limits } from "../../src/model/function.ts";
import { systemClock } from "../../src/model/ports.ts";
import { Router } from "../../src/router/router.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { bytesOf } from "./capabilities.ts";
import { createFakeEngine, openTestChain } from "./fake-chain.ts";
import { createFakePrepared } from "./fake-pool.ts";
import { toSpec } from "./guest-source.ts";
import type { LoggedLine } from "./node.ts";

export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly gateway: Gateway;
  readonly router: Router<LiveFunction>;
  readonly lines: LoggedLine[];
  /** What functions were asked, `GET http://host/path body`, in order; the body once it was read. */
  readonly seen: Call[];
}

export interface TestGatewayOptions extends Partial<Pick<GatewayOptions, "audience" | "timeouts">> {
  /** Default: answers 200 with the method, the URL and the body. */
  answer?(call: Call): Answer | Promise<Answer>;
  readonly limits?: Partial<Limits>;
  readonly routes?: readonly string[];
  /** Whether its engine takes upgrades; default no. */
  readonly mayUpgrade?: boolean;
}

export async function openTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { answer = echo, limits = {}, routes = ["*/*"], audience = "caller", timeouts = {} } = options;
  const { mayUpgrade = false } = options;
  const lines: LoggedLine[] = [];
  const seen: Call[] = [];
  const router = new Router<LiveFunction>();
  const live = await createLive({
    limits,
    mayUpgrade,
    answer: async (call) => {
      seen.push(call);
      return await answer(call);
    },
  });
  router.replace({ name: "guest", routes, target: live });
  let requests = 0;
  const gateway = await openGateway({
    hostname: "127.0.0.1",
    port: 0,
    router,
    clock: systemClock,
    log: { write: (level, msg, fields = {}) => void lines.push({ level, msg, fields }) },
    audience,
    metrics: new Metrics({ serves: (name) => router.entries.has(name) }),
    timeouts,
    randomId: () => `r${requests++}`,
  });
  return {
    url: gateway.url,
    gateway,
    router,
    lines,
    seen,
    [Symbol.asyncDispose]: async () => {
      await gateway.drain({ timeoutMs: 1 });
      await live[Symbol.asyncDispose]();
    },
  };
}

async function echo({ head, body }: Call): Promise<Answer> {
  const text = `${head.method} ${head.url} ${(await bytesOf(body)).toString()}`;
  return { head: { status: 200, headers: ["content-type", "text/plain"] }, body: Buffer.from(text) };
}

async function createLive({
  limits,
  mayUpgrade,
  answer,
}: {
  limits: Partial<Limits>;
  mayUpgrade: boolean;
  answer(call: Call): Promise<Answer>;
}): Promise<LiveFunction> {
  const spec = toSpec({ files: {}, limits });
  const prepared = createFakePrepared({ startsAtOnce: true, fetch: answer });
  const chain = await openTestChain({ spec, engines: { isolate: createFakeEngine(prepared, { mayUpgrade }) } });
  return {
    deployment: chain.deployment,
    engine: "isolate",
    assets: undefined,
    chain,
    drain: () => chain.drain(),
    [Symbol.asyncDispose]: () => chain[Symbol.asyncDispose](),
  };
}
