/** One function asks another: what the engine brings to the one, and takes from the other. */

import { expect } from "vitest";
import type { Instance, InstanceAnswer } from "../../../src/engine/engine.ts";
import { decodeClone, encodeClone } from "../../../src/env/clone.ts";
import type { Call } from "../../../src/model/exchange.ts";
import type { CallContext } from "../../../src/model/ports.ts";
import { RPC_URL } from "../../../src/model/service.ts";
import { askJson, bytesOf, noCapabilities, rejectionOf } from "../../support/capabilities.ts";
import type { ContractCase } from "../contract.ts";

const CALLEE = {
  files: {
    "index.ts": `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint {
        fetch() { return Response.json(["default", this.ctx.props]); }
        add(a, b) { return new Map([["sum", a + b]]); }
        props() { return this.ctx.props; }
        fails() { throw Object.assign(new RangeError("boom"), { extra: 1 }); }
      }
      export class Named extends WorkerEntrypoint {
        fetch() { return Response.json(["named", this.ctx.props]); }
        add() { return "named"; }
      }`,
  },
};
const CALLER = {
  services: ["OTHER"],
  files: {
    "index.ts": `export default {
      fetch: async (_, env) => {
        const told = async (work) => { try { return await work; } catch (error) { return [error.name, error.message]; } };
        return Response.json([
          await (await env.OTHER.fetch("https://x.test/a?b", { method: "POST", body: "c" })).text(),
          await told(env.OTHER.a.b(1n, new Date(0)).then(String)),
          await told(env.OTHER.gone()),
          await told(env.OTHER.fetch("rpc:call")),
        ]);
      },
    };`,
  },
};

function askTarget(
  instance: Instance,
  target: Call["target"],
  body: Uint8Array | null = null,
): Promise<InstanceAnswer> {
  const head = { method: body === null ? "GET" : "POST", url: "http://callee/", headers: ["host", "callee"] };
  const call: Call = { head, body, signal: new AbortController().signal, target };
  return instance.fetch(call, { requestId: "r", onLog: () => {} });
}

async function call(
  instance: Instance,
  path: string[],
  { args, ...target }: Call["target"] & { args?: unknown[] } = {},
) {
  const asked = encodeClone({ path, ...(args && { args }) });
  const { head, body } = await askTarget(instance, { ...target, isRpc: true }, asked);
  expect(head.status).toBe(200);
  return decodeClone(await bytesOf(body));
}

export const SERVICE_CASES: readonly ContractCase[] = [
  {
    name: "a target names the export that is asked, and gives it props",
    run: async ({ start }) => {
      const instance = await start(CALLEE);
      const read = async (target: Call["target"]) =>
        JSON.parse((await bytesOf((await askTarget(instance, target)).body)).toString());
      expect(await read(undefined)).toEqual(["default", {}]);
      expect(await read({ props: { a: 1 } })).toEqual(["default", { a: 1 }]);
      expect(await read({ entrypoint: "Named", props: { b: [2] } })).toEqual(["named", { b: [2] }]);
      const error = await rejectionOf(askTarget(instance, { entrypoint: "Missing" }));
      expect(error).toMatchObject({ code: "NEBULA_GUEST_THREW", message: expect.stringContaining('"Missing"') });
    },
  },
  {
    name: "a target calls a method, and its result comes as a copy",
    run: async ({ start }) => {
      const instance = await start(CALLEE);
      expect(await call(instance, ["add"], { args: [1, 2] })).toEqual(new Map([["sum", 3]]));
      expect(await call(instance, ["add"], { args: [], entrypoint: "Named" })).toBe("named");
      expect(await call(instance, ["props"], { args: [], props: { a: 1 } })).toEqual({ a: 1 });
    },
  },
  {
    name: "a method that throws fails with NEBULA_GUEST_THREW, and with all that it threw",
    run: async ({ start }) => {
      const instance = await start(CALLEE);
      const error = await rejectionOf(call(instance, ["fails"], { args: [] }));
      expect(error).toMatchObject({ code: "NEBULA_GUEST_THREW" });
      expect(error.cause).toMatchObject({
        name: "RangeError",
        message: "boom",
        thrown: expect.stringContaining("extra"),
      });
      expect(error.cause).toMatchObject({ stack: expect.stringMatching(/index\.ts:6:\d+/) });
      const missing = await rejectionOf(call(instance, ["hasOwnProperty"], { args: ["a"] }));
      expect(missing.cause).toMatchObject({
        message: 'The RPC receiver does not implement the method "hasOwnProperty".',
      });
    },
  },
  {
    name: "what a function asks of another goes to its binding, with the functions that it came through",
    run: async ({ start }) => {
      const seen: unknown[] = [];
      const contexts: CallContext[] = [];
      const instance = await start(CALLER, {
        ...noCapabilities,
        binding: async (name, { head: { method, url }, body }, context) => {
          const bytes = await bytesOf(body);
          contexts.push(context);
          seen.push([name, method, url, url === RPC_URL ? decodeClone(bytes) : bytes.toString()]);
          if (url !== RPC_URL) return { head: { status: 200, headers: [] }, body: Buffer.from("answer") };
          if (seen.length === 2) return { head: { status: 200, headers: [] }, body: encodeClone(7n) };
          const thrown = { name: "OddError", message: "odd" };
          return { head: { status: 500, headers: [] }, body: Buffer.from(JSON.stringify(thrown)) };
        },
      });
      expect(await askJson(instance)).toEqual([
        "answer",
        "7",
        ["OddError", "odd"],
        ["TypeError", expect.stringMatching(/URL/)],
      ]);
      expect(seen).toEqual([
        ["OTHER", "POST", "https://x.test/a?b", "c"],
        ["OTHER", "POST", RPC_URL, { path: ["a", "b"], args: [1n, new Date(0)] }],
        ["OTHER", "POST", RPC_URL, { path: ["gone"], args: [] }],
      ]);
      expect(contexts[0]).toMatchObject({ requestId: "r", callers: [] });
    },
  },
];
