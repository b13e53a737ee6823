/** What a function does wrong is told by the code of the table, in the words of its own sources. */

import { expect } from "vitest";
import { ask, askText, bytesOf, rejectionOf, until } from "../../support/capabilities.ts";
import { type GuestSource, gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  text: '() => "hello"',
  nothing: "() => {}",
  plain: "() => ({ status: 200 })",
  used: "async () => { const r = new Response('a'); await r.text(); return r; }",
  broken: "() => Response.error()",
  reject: "async () => { await null; return Promise.reject(new SyntaxError('no')); }",
  whatever: `({ url }) => {
    throw [null, undefined, "text", 7, Symbol("s"), { code: "NEBULA_INTERNAL" }][url.at(-1)];
  }`,
  invalid: `({ url }) => new Response("", [
    { status: 99 },
    { status: 101 },
    { status: 600 },
    { headers: { "x-a": "b\\r\\nset-cookie: c" } },
    { headers: { "x y": "b" } },
    {},
  ][url.at(-1)])`,
  midway: `() => new Response(new ReadableStream({
    async pull(controller) {
      if (this.sent) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error("half way");
      }
      this.sent = true;
      controller.enqueue(new TextEncoder().encode("first half"));
    },
  }))`,
});

/** Fails where told, three files deep; the lines count. */
const TYPED_SOURCE: GuestSource = {
  name: "typed",
  files: {
    "index.ts": `import { explode } from "./lib/explode.ts";

interface Wanted { readonly how: string }

export default {
  async fetch(request: Request): Promise<Response> {
    const wanted: Wanted = { how: new URL(request.url).pathname };
    if (wanted.how === "/ok") return new Response("ok");
    if (wanted.how === "/log") console.error(new Error("only logged"));
    else explode(wanted.how);
    return new Response("logged");
  },
};
`,
    "lib/explode.ts": `type Reason = string;

export function explode(reason: Reason): never {
  throw new RangeError(\`it went \${reason}\`);
}
`,
  },
};

function stackOf(error: Error): string {
  return error.cause instanceof Error ? (error.cause.stack ?? "") : "";
}

const INVALID: readonly (readonly [name: string, source: GuestSource])[] = [
  ["a string", guest("text")],
  ["undefined", guest("nothing")],
  ["a plain object", guest("plain")],
  ["a Response used already", guest("used")],
  ["a network error", guest("broken")],
];

export const FAILURE_CASES: readonly ContractCase[] = [
  {
    name: "a function that throws fails with NEBULA_GUEST_THREW, its stack mapped to its sources",
    run: async ({ start }) => {
      const instance = await start(TYPED_SOURCE);
      const error = await rejectionOf(ask(instance, { path: "/bang" }));
      expect(error.code).toBe("NEBULA_GUEST_THREW");
      expect(error.message).toBe('Cannot answer with "typed": RangeError: it went /bang');
      expect(error.details.function).toBe("typed");
      const [first, top, next] = stackOf(error).split("\n");
      expect(first).toBe("RangeError: it went /bang");
      expect(top).toMatch(/^ {4}at explode \(lib\/explode\.ts:4:9\)$/);
      expect(next).toMatch(/index\.ts:10:10\)?$/);
      expect(stackOf(error)).not.toMatch(/eval|bootstrap|\[/);
    },
  },
  {
    name: "stacks on the console are mapped to the sources",
    run: async ({ start }) => {
      const instance = await start(TYPED_SOURCE);
      const line = Promise.withResolvers<string>();
      await askText(instance, { path: "/log", onLog: (_, text) => line.resolve(text) });
      expect(await line.promise).toMatch(/^Error: only logged\n {4}at [\w.]*fetch \(index\.ts:9:46\)$/);
    },
  },
  {
    name: "an instance whose function threw answers the next request",
    run: async ({ start }) => {
      const instance = await start(TYPED_SOURCE);
      await rejectionOf(ask(instance, { path: "/bang" }));
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
  {
    name: "a function that rejects fails with NEBULA_GUEST_THREW",
    run: async ({ start }) => {
      const instance = await start(guest("reject"));
      const error = await rejectionOf(ask(instance));
      expect(error).toMatchObject({ code: "NEBULA_GUEST_THREW", message: expect.stringContaining("SyntaxError: no") });
    },
  },
  {
    name: "whatever is thrown becomes NEBULA_GUEST_THREW, an error of our own making too",
    run: async ({ start }) => {
      const instance = await start(guest("whatever"));
      for (let i = 0; i < 6; i++)
        expect((await rejectionOf(ask(instance, { path: `/${i}` }))).code).toBe("NEBULA_GUEST_THREW");
    },
  },
  ...(INVALID.map(([name, source]) => ({
    name: `a handler that gives ${name} fails with NEBULA_GUEST_THREW`,
    run: async ({ start }) => {
      const error = await rejectionOf(ask(await start(source)));
      expect(error.code).toBe("NEBULA_GUEST_THREW");
      expect(error.message).toMatch(/Cannot answer: the (handler gave|body of this Response)/);
    },
  })) satisfies ContractCase[]),
  {
    name: "a status or header that HTTP does not have cannot be made or is refused",
    run: async ({ start }) => {
      const instance = await start(guest("invalid"));
      for (let i = 0; i < 5; i++)
        expect((await rejectionOf(ask(instance, { path: `/${i}` }))).code).toBe("NEBULA_GUEST_THREW");
      expect(await askText(instance, { path: "/5" })).toBe("");
    },
  },
  {
    name: "a body that fails midway gives what came before and then NEBULA_GUEST_THREW",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(guest("midway"));
      const { head, body } = await ask(instance);
      expect(head.status).toBe(200);
      const error = await rejectionOf(bytesOf(body));
      expect(error).toMatchObject({ code: "NEBULA_GUEST_THREW", message: expect.stringContaining("half way") });
    },
  },
  {
    name: "prepare() of code that throws at its top level fails with NEBULA_PREPARE_FAILED and its words",
    run: async ({ prepare }) => {
      const error = await rejectionOf(
        prepare({ files: { "index.ts": 'throw new RangeError("top level");\nexport default {};' } }),
      );
      expect(error.code).toBe("NEBULA_PREPARE_FAILED");
      expect(error.message).toContain("RangeError: top level");
      expect(Object(error.cause).code).toBe("NEBULA_START_FAILED");
    },
  },
  {
    name: "prepare() of code without a handler fails",
    run: async ({ prepare }) => {
      for (const text of ["export default {};", "export default 7;", "export default { fetch: 'no' };"]) {
        const error = await rejectionOf(prepare({ files: { "index.ts": text } }));
        expect(error.code).toBe("NEBULA_PREPARE_FAILED");
        expect(error.message).toContain("Cannot find a handler");
      }
    },
  },
  {
    name: "start() of code that fails only now and then fails with NEBULA_START_FAILED",
    run: async ({ prepare }) => {
      // Whether a start fails depends on the time, which is all that two starts do not share.
      const untilMs = Date.now() + 1_500;
      const prepared = await prepare({
        vars: { UNTIL: untilMs },
        files: {
          "index.ts": `import { env } from "cloudflare:workers";
            if (Date.now() > env.UNTIL) throw new Error("too late");
            export default { fetch: () => new Response("early") };`,
        },
      });
      await until("its time is over", () => Date.now() > untilMs);
      const error = await rejectionOf(prepared.start({ signal: new AbortController().signal }));
      expect(error).toMatchObject({ code: "NEBULA_START_FAILED", message: expect.stringContaining("too late") });
    },
  },
];
