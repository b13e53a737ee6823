/** What a function may reach goes through the host, which counts and decides. */

import { expect } from "vitest";
import type { Call } from "../../../src/model/exchange.ts";
import type { Capabilities } from "../../../src/model/ports.ts";
import { ask, askJson, askText, bytesOf, createFeed, noCapabilities, until } from "../../support/capabilities.ts";
import { gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  binding: `async (_, env) => {
    const answer = await env.THING.fetch("http://thing/a?b", { method: "POST", headers: { "x-c": "d" }, body: "e" });
    const cookies = answer.headers.getSetCookie();
    return Response.json([answer.status, answer.headers.get("x-binding"), cookies, await answer.json()]);
  }`,
  stream: `async (request, env) => {
    const answer = await env.THING.fetch("http://thing/", { method: "POST", body: request.body, duplex: "half" });
    return new Response(answer.body);
  }`,
  abort: `async (_, env) => {
    try {
      await env.THING.fetch("http://thing/", { signal: AbortSignal.timeout(50) });
    } catch (error) {
      return new Response(error.name);
    }
  }`,
  leave: `async (request, env) => {
    void env.THING.fetch("http://thing/never").catch(() => {});
    void env.THING.fetch("http://thing/body").then((answer) => answer.text()).catch(() => {});
    await env.THING.fetch("http://thing/done");
    return new Response("over");
  }`,
  forbidden: `async () => {
    try { await fetch("http://169.254.169.254/latest/meta-data/"); return new Response("reached"); }
    catch (error) { return new Response([error instanceof TypeError, error.name, error.message].join(" ")); }
  }`,
  redirected: `async () => {
    const answer = await fetch("http://a.test/x", { method: "POST", body: "b" });
    return Response.json([answer.url, answer.redirected, answer.status, answer.type, await answer.text()]);
  }`,
  failing: `async (_, env) => {
    try { await env.THING.fetch("http://thing/"); } catch (error) { return new Response(error.message + error.stack); }
  }`,
  counting: `async (_, env) => {
    let made = 0;
    try { for (;;) { await env.THING.fetch("http://thing/"); made++; } }
    catch (error) { return Response.json([made, error.message]); }
  }`,
});

/** A binding that answers with what it was asked. */
const mirror: Capabilities = {
  ...noCapabilities,
  binding: async (name, { head, body }) => ({
    head: { status: 201, headers: ["x-binding", name, "set-cookie", "a=1", "set-cookie", "b=2"] },
    body: Buffer.from(JSON.stringify({ ...head, body: (await bytesOf(body)).toString() })),
  }),
};

export const CAPABILITY_CASES: readonly ContractCase[] = [
  {
    name: "env holds the declared variables and nothing of process.env",
    run: async ({ start }) => {
      const instance = await start({
        vars: { TEXT: "t", NUMBER: 7, OBJECT: { a: [1, null] } },
        files: {
          "index.ts": `import { env as imported } from "cloudflare:workers";
            export default { fetch: (_, env) => Response.json({ env, imported, frozen: Object.isFrozen(env) }) };`,
        },
      });
      const env = { TEXT: "t", NUMBER: 7, OBJECT: { a: [1, null] } };
      expect(await askJson(instance)).toEqual({ env, imported: env, frozen: true });
    },
  },
  {
    name: "a binding is asked with method, URL, headers and body, and its answer given back",
    run: async ({ start }) => {
      const source = guest("binding", { services: ["THING"] });
      const [status, name, cookies, asked] = Object(await askJson(await start(source, mirror)));
      expect([status, name, cookies]).toEqual([201, "THING", ["a=1", "b=2"]]);
      expect(asked).toMatchObject({ method: "POST", url: "http://thing/a?b", body: "e" });
      expect(asked.headers).toEqual(expect.arrayContaining(["x-c", "d"]));
    },
  },
  {
    name: "bodies to and from a binding stream",
    needs: "streaming",
    run: async ({ start }) => {
      const asked = Promise.withResolvers<Call>();
      const feed = createFeed();
      const instance = await start(guest("stream", { services: ["THING"] }), {
        ...noCapabilities,
        binding: async (_, call) => {
          asked.resolve(call);
          return { head: { status: 200, headers: [] }, body: feed.stream };
        },
      });
      const upload = createFeed();
      const answer = await ask(instance, { method: "POST", body: upload.stream });
      const { body } = await asked.promise;
      if (!(body instanceof ReadableStream) || !(answer.body instanceof ReadableStream)) throw new Error("no streams");
      const [up, down] = [body.getReader(), answer.body.getReader()];
      for (const word of ["one", "two"]) {
        upload.push(word);
        expect(Buffer.from((await up.read()).value ?? []).toString()).toBe(word);
        feed.push(`${word}!`);
        expect(Buffer.from((await down.read()).value ?? []).toString()).toBe(`${word}!`);
      }
      upload.end();
      expect((await up.read()).done).toBe(true);
      feed.end();
      expect((await down.read()).done).toBe(true);
      await answer.settled;
    },
  },
  {
    name: "a call that the function aborts is aborted in the host",
    needs: "concurrency",
    run: async ({ start }) => {
      const seen = Promise.withResolvers<AbortSignal>();
      const instance = await start(guest("abort", { services: ["THING"] }), {
        ...noCapabilities,
        binding: async (_, { signal }) => {
          seen.resolve(signal);
          return await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      });
      expect(await askText(instance)).toBe("TimeoutError");
      const signal = await seen.promise;
      await until("the host's side is told", () => signal.aborted);
    },
  },
  {
    name: "a call that is still open when its request is over is aborted in the host, its body too",
    run: async ({ start }) => {
      const signals: AbortSignal[] = [];
      const instance = await start(guest("leave", { services: ["THING"] }), {
        ...noCapabilities,
        binding: async (_, { head, signal }) => {
          if (head.url.endsWith("/done")) return { head: { status: 200, headers: [] }, body: null };
          signals.push(signal);
          const aborted = new Promise<never>((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          });
          if (head.url.endsWith("/never")) return await aborted;
          return { head: { status: 200, headers: [] }, body: new ReadableStream({ pull: () => aborted }) };
        },
      });
      expect(await askText(instance)).toBe("over");
      await until("both calls are aborted", () => signals.length === 2 && signals.every(({ aborted }) => aborted));
      expect(await askText(instance)).toBe("over");
    },
  },
  {
    name: "fetch to a host that is not allowed is a TypeError in the function",
    run: async ({ start }) => {
      const instance = await start(guest("forbidden"));
      expect(await askText(instance)).toBe(
        'true TypeError Cannot reach "169.254.169.254": it is not in the list of allowed hosts',
      );
    },
  },
  {
    name: "fetch goes to the network through the host, which sees every hop of a redirect",
    run: async ({ start }) => {
      const asked: string[] = [];
      const instance = await start(guest("redirected"), {
        ...noCapabilities,
        outbound: async ({ head, body }, { redirect }) => {
          const isFirst = head.url.endsWith("/x");
          asked.push([head.method, head.url, redirect, (await bytesOf(body)).toString()].join(" "));
          return {
            head: { status: isFirst ? 303 : 200, headers: isFirst ? ["location", "/y"] : [] },
            body: Buffer.from("answer"),
            url: head.url,
          };
        },
      });
      expect(await askJson(instance)).toEqual(["http://a.test/y", true, 200, "basic", "answer"]);
      expect(asked).toEqual(["POST http://a.test/x manual b", "GET http://a.test/y manual "]);
    },
  },
  {
    name: "a failure of the host is told in one sentence without its causes",
    run: async ({ start }) => {
      const instance = await start(guest("failing", { services: ["THING"] }), {
        ...noCapabilities,
        binding: async () => {
          throw new Error("connect ECONNREFUSED 10.1.2.3:5432 /var/lib/secret");
        },
      });
      const text = await askText(instance);
      expect(text).toContain("Internal error");
      expect(text).not.toMatch(/10\.1\.2\.3|secret/);
    },
  },
  {
    name: "the subrequest limit is for one request and names itself",
    run: async ({ start }) => {
      const instance = await start(guest("counting", { services: ["THING"], limits: { subrequests: 5 } }), mirror);
      for (let i = 0; i < 2; i++) {
        expect(await askJson(instance)).toEqual([5, 'Cannot call out: "guest" has used its limit of 5 subrequests']);
      }
    },
  },
  {
    name: "a function that is not answering any request may not call out",
    run: async ({ start }) => {
      const instance = await start(
        {
          services: ["THING"],
          files: {
            "index.ts": `import { env } from "cloudflare:workers";
              const early = await env.THING.fetch("http://thing/").then(() => "reached", (error) => error.message);
              export default { fetch: () => new Response(early) };`,
          },
        },
        mirror,
      );
      expect(await askText(instance)).toBe("Cannot call out: no request is being answered");
    },
  },
];
