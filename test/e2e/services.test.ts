/**
 * Functions that ask each other, on a whole node: what they see, what is told of it, and what ends it.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServiceBinding } from "../../src/model/function.ts";
import { until } from "../support/capabilities.ts";
import { openTestNode, type SpecChange, type TestNode } from "../support/node.ts";

const MIB = 1024 * 1024;
const STREAMED_BYTES = 100 * MIB;
const CHUNK_BYTES = 64 * 1024;

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
}, 30_000);
afterAll(async () => await node.close());

function to(service: string, change: Partial<ServiceBinding> = {}): ServiceBinding {
  return { type: "service", name: "OTHER", service, ...change };
}

/** A function that answers with what its handler gives. */
async function deploy(name: string, handler: string, change: SpecChange = {}): Promise<void> {
  await node.deploy(name, `export default { fetch: ${handler} };`, change);
}

async function ask(name: string, path = "/", init: RequestInit = {}): Promise<string> {
  return await (await fetch(`${node.dataUrl}/fn/${name}${path}`, init)).text();
}

/** The lines of requests to a function. */
function linesOf(name: string): Readonly<Record<string, unknown>>[] {
  return node.lines.flatMap(({ msg, fields }) => (msg === "request" && fields.function === name ? [fields] : []));
}

function logsOf(name: string): unknown[] {
  return node.lines.flatMap(({ msg, fields }) => (msg === "guest" && fields.function === name ? [fields.text] : []));
}

describe("env.OTHER.fetch", () => {
  test("takes URL, method, headers and body there, and brings the answer back", async () => {
    await deploy(
      "mirror",
      `async (request) => new Response(JSON.stringify([request.method, request.url, await request.text(),
        request.headers.get("host"), request.headers.get("x-a"), request.headers.get("content-length")]),
        { status: 299, headers: { "x-b": "c" } })`,
    );
    await deploy(
      "asks-mirror",
      `async (request, env) => {
        const headers = { "x-a": "b", connection: "x-gone", "x-gone": "1", "content-length": "99", te: "trailers" };
        const answer = await env.OTHER.fetch("https://no.such.host/a?b#c", { method: "PUT", headers, body: "d" });
        return Response.json([answer.status, answer.url, answer.headers.get("x-b"), await answer.json()]);
      }`,
      { bindings: [to("mirror")] },
    );
    const [status, url, header, seen] = JSON.parse(await ask("asks-mirror"));
    expect([status, url, header]).toEqual([299, "https://no.such.host/a?b", "c"]);
    expect(seen.slice(0, 5)).toEqual(["PUT", "https://no.such.host/a?b", "d", "no.such.host", "b"]);
    expect([null, "1"]).toContain(seen[5]);
  });

  test("is told in the log with who asked, under the id of the request from outside", async () => {
    await deploy("last", "() => new Response('last')");
    await deploy("middle", "(request, env) => env.OTHER.fetch(request)", { bindings: [to("last")] });
    await deploy("first", "(request, env) => env.OTHER.fetch(request)", { bindings: [to("middle")] });
    const answer = await fetch(`${node.dataUrl}/fn/first/`);
    expect(await answer.text()).toBe("last");
    const rootId = answer.headers.get("x-request-id");
    await until("all have told", () => linesOf("first").length === 1);
    const [first] = linesOf("first");
    expect(first).toMatchObject({ requestId: rootId, outcome: "ok" });
    expect(first).not.toHaveProperty("callers");
    expect(linesOf("middle")).toMatchObject([{ rootId, caller: "first", callers: "first", status: 200, bytesOut: 4 }]);
    expect(linesOf("last")).toMatchObject([{ rootId, caller: "middle", callers: "first > middle", engine: "isolate" }]);
    const ids = ["first", "middle", "last"].map((name) => linesOf(name)[0]?.requestId);
    expect(new Set(ids).size).toBe(3);
    expect(answer.headers.get("server-timing")?.match(/\w+;/g)).toEqual(["route;", "queue;", "start;", "run;"]);
    const { functions } = await node.client.getTop();
    expect(functions.find(({ name }) => name === "last")?.forms[0]?.requests.count).toBe(1);
  });

  test("brings static files, which no entry point has", async () => {
    const files = {
      "index.ts": "export class Api { fetch() { return new Response('api'); } } export default new Api();",
    };
    await node.deploy("site", { files, assets: { "/a.txt": "file" } });
    await deploy(
      "asks-site",
      `async (request, env) => Response.json(await Promise.all([env.OTHER, env.API].map(async (each) =>
        (await each.fetch("http://x/a.txt")).text())))`,
      { bindings: [to("site"), to("site", { name: "API", entrypoint: "Api" })] },
    );
    expect(await ask("asks-site")).toBe('["file","api"]');
  });

  test("has the body of both ways as it comes, and no memory grows with it", { timeout: 60_000 }, async () => {
    const limits = { memoryBytes: 96 * MIB, wallMs: 60_000 };
    await deploy("passes-back", "(request) => new Response(request.body)", { limits });
    await deploy(
      "pours",
      `async (request, env) => {
        let left = ${STREAMED_BYTES / CHUNK_BYTES};
        const pull = (controller) => {
          if (left-- > 0) controller.enqueue(new Uint8Array(${CHUNK_BYTES}));
          else controller.close();
        };
        const body = new ReadableStream({ pull });
        const answer = await env.OTHER.fetch("http://x/", { method: "POST", body, duplex: "half" });
        let bytes = 0;
        for await (const chunk of answer.body) bytes += chunk.byteLength;
        return new Response(String(bytes));
      }`,
      { limits, bindings: [to("passes-back")] },
    );
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }, 5);
    try {
      expect(await ask("pours")).toBe(String(STREAMED_BYTES));
    } finally {
      clearInterval(watch);
    }
    // Of twice as much that passes through, what waits to be collected included.
    expect(most - before).toBeLessThan(STREAMED_BYTES);
    await until("it is told", () => linesOf("passes-back").length === 1);
    expect(linesOf("passes-back")).toMatchObject([
      { bytesIn: STREAMED_BYTES, bytesOut: STREAMED_BYTES, outcome: "ok" },
    ]);
  });

  test("ends there when the client leaves, and its body when nobody wants it", async () => {
    await deploy(
      "never-ends",
      `async (request) => {
        if (request.url.endsWith("/body")) return new Response(new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1024)),
          cancel: () => console.log("cancelled"),
        }));
        request.signal.addEventListener("abort", () => console.log("aborted"));
        console.log("begun");
        return await new Promise(() => {});
      }`,
    );
    await deploy(
      "waits",
      `async (request, env) => {
        const answer = await env.OTHER.fetch(request);
        await answer.body.cancel();
        return new Response("enough");
      }`,
      { bindings: [to("never-ends")] },
    );
    expect(await ask("waits", "/body")).toBe("enough");
    await until("the body is cancelled", () => logsOf("never-ends").includes("cancelled"));
    const leaving = new AbortController();
    const left = ask("waits", "/never", { signal: leaving.signal }).catch((error: Error) => error.name);
    await until("it has begun", () => logsOf("never-ends").includes("begun"));
    leaving.abort();
    expect(await left).toBe("AbortError");
    await until("it is aborted", () => logsOf("never-ends").includes("aborted"));
  });

  test("fails with the host's words when the callee breaks its own limits or is not there", async () => {
    await deploy(
      "limited",
      `async (request) => {
        if (request.url.endsWith("/wait")) await new Promise(() => {});
        return new Response(String((await request.text()).length));
      }`,
      { limits: { requestBodyBytes: 10, wallMs: 300 } },
    );
    await deploy(
      "asks-limited",
      `async (request, env) => {
        const told = async (work) => { try { return await (await work).text(); } catch (error) { return error.message; } };
        return Response.json([
          await told(env.OTHER.fetch("http://x/", { method: "POST", body: "0123456789" })),
          await told(env.OTHER.fetch("http://x/", { method: "POST", body: "0123456789a" })),
          await told(env.OTHER.fetch("http://x/wait")),
          await told(env.MISSING.fetch("http://x/")),
          await told(env.OTHER.fetch("rpc:call", { method: "POST", body: "x" })),
          await told(env.OTHER.fetch("http://user:word@x/")),
        ]);
      }`,
      { bindings: [to("limited"), to("not-there", { name: "MISSING" })] },
    );
    const [fits, tooLarge, tooLong, missing, scheme, user] = JSON.parse(await ask("asks-limited"));
    expect(fits).toBe("10");
    expect(tooLarge).toMatch(/"limited".*larger than its limit of 10 B/);
    expect(tooLong).toMatch(/"limited".*wall limit of 300 ms/);
    expect(missing).toMatch(/no function of that name is deployed/);
    expect(scheme).toMatch(/only URLs of http and https/);
    expect(user).toMatch(/credentials|user/);
    expect(linesOf("not-there")).toMatchObject([{ code: "NEBULA_FUNCTION_NOT_FOUND", caller: "asks-limited" }]);
  });

  test("counts as a subrequest of the caller", async () => {
    await deploy("cheap", "() => new Response('x')");
    await deploy(
      "asks-often",
      `async (request, env) => {
        try { for (let i = 0; ; i++) await (await env.OTHER.fetch("http://x/")).text(); }
        catch (error) { return new Response(error.message); }
      }`,
      { bindings: [to("cheap")], limits: { subrequests: 3 } },
    );
    expect(await ask("asks-often")).toMatch(/has used its limit of 3 subrequests/);
    expect(linesOf("cheap")).toHaveLength(3);
  });

  test("finds whatever serves under the name now, and nothing is lost while that is replaced", async () => {
    await deploy("asks-changing", "(request, env) => env.OTHER.fetch(request)", { bindings: [to("changing")] });
    const version = (n: number) =>
      deploy("changing", `async (request) => new Response("v${n} " + (await request.text()))`);
    expect((await fetch(`${node.dataUrl}/fn/asks-changing/`)).status).toBe(500);
    await version(0);
    const answers = new Map<string, number>();
    let isOver = false;
    const clients = Array.from({ length: 6 }, async () => {
      while (!isOver) {
        const answer = await ask("asks-changing", "/", { method: "POST", body: "x" });
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    });
    for (let n = 1; n <= 5; n++) {
      await version(n);
      await until(`v${n} answers`, () => answers.has(`v${n} x`), 20_000);
    }
    isOver = true;
    await Promise.all(clients);
    expect([...answers.keys()].filter((answer) => !/^v\d x$/.test(answer))).toEqual([]);
  }, 60_000);
});

describe("functions that ask each other in circles", () => {
  test("are cut when a request has come through 32 of them", async () => {
    await deploy(
      "ring",
      `async (request, env) => {
        const depth = Number(new URL(request.url).searchParams.get("depth")) + 1;
        try { return new Response(await (await env.OTHER.fetch("http://x/?depth=" + depth)).text()); }
        catch (error) { return new Response(depth + " " + error.message); }
      }`,
      { bindings: [to("ring")] },
    );
    expect(await ask("ring")).toBe(
      '32 Cannot ask "ring": the request has come through 32 functions, and may go through no more',
    );
    await until("all have told", () => linesOf("ring").length === 33);
    expect(linesOf("ring").filter(({ code }) => code === "NEBULA_SUBREQUEST_LIMIT")).toHaveLength(1);
  });

  test("do not wait for each other for ever when each has one place", async () => {
    const scaling = { maxInstances: 1, concurrency: 1, queueMs: 1_000 };
    const handler = `async (request, env) => {
      if (request.url.endsWith("/warm")) return new Response("warm");
      try { return new Response("(" + await (await env.OTHER.fetch(request)).text() + ")"); }
      catch (error) { return new Response(error.message); }
    }`;
    await deploy("left", handler, { scaling, bindings: [to("right")] });
    await deploy("right", handler, { scaling, bindings: [to("left")] });
    for (const name of ["left", "right"]) await until("it is warm", async () => (await ask(name, "/warm")) === "warm");
    node.lines.length = 0;
    expect(await ask("left")).toMatch(/^\(Cannot .*"left".*\)$/);
    const codes = () => [...linesOf("left"), ...linesOf("right")].flatMap(({ code }) => code ?? []);
    await until("it is told", () => codes().length > 0);
    expect(codes()).toEqual(["NEBULA_OVERLOADED"]);
  });
});

test("a function that multiplies itself ends at its wall limit, and nobody else notices", async () => {
  await deploy("calm", "() => new Response('calm')");
  await deploy(
    "multiplies",
    `async (request, env) => {
      const own = await Promise.allSettled([1, 2, 3].map(async () => (await env.OTHER.fetch(request.url)).text()));
      return new Response(String(own.length));
    }`,
    { bindings: [to("multiplies")], limits: { wallMs: 1_000 } },
  );
  let isOver = false;
  const bomb = ask("multiplies").finally(() => {
    isOver = true;
  });
  while (!isOver) expect(await ask("calm")).toBe("calm");
  expect(await bomb).toContain("NEBULA_WALL_LIMIT");
  await until("all of it is over", async () => {
    const { functions } = await node.client.getTop();
    const found = functions.find(({ name }) => name === "multiplies")?.forms[0]?.instances;
    return found?.inFlight === 0 && found.waiting === 0;
  });
});

describe("calls of methods", () => {
  test("tell where the callee threw, in its sources", async () => {
    await node.deploy(
      "thrower",
      `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint {
        fails(): never {
          throw new RangeError("boom");
        }
      }`,
    );
    await deploy(
      "asks-thrower",
      `async (request, env) => {
        try { await env.OTHER.fails(); } catch (error) { return Response.json([error.name, error.message, error.stack]); }
      }`,
      { bindings: [to("thrower")] },
    );
    const [name, message, stack] = JSON.parse(await ask("asks-thrower"));
    expect([name, message]).toEqual(["RangeError", "boom"]);
    expect(stack).toMatch(/^RangeError: boom\n {4}at .*index\.ts:4:\d+/);
    expect(linesOf("thrower")).toMatchObject([{ code: "NEBULA_GUEST_THREW", status: 500, caller: "asks-thrower" }]);
  });

  test("cannot be made from outside, whatever a client says", async () => {
    await node.deploy(
      "guarded",
      `import { WorkerEntrypoint } from "cloudflare:workers";
      export class Admin extends WorkerEntrypoint { fetch() { return new Response("admin"); } }
      export default class extends WorkerEntrypoint {
        fetch(request) { return new Response("fetched " + JSON.stringify(this.ctx.props)); }
        erase() { return "erased"; }
      }`,
    );
    await deploy("forwards", "(request, env) => env.OTHER.fetch(request)", { bindings: [to("guarded")] });
    const headers = {
      "nebula-binding-url": "rpc:call",
      "x-nebula-target": '{"entrypoint":"Admin","isRpc":true}',
      target: '{"entrypoint":"Admin","isRpc":true}',
    };
    for (const name of ["guarded", "forwards"]) {
      expect(await ask(name, "/", { headers, method: "POST", body: '{"path":["erase"],"args":[]}' })).toBe(
        "fetched {}",
      );
    }
  });

  test("are for JavaScript alone: anything else is fetched from, and says so", async () => {
    await node.deploy("pages", { files: {}, assets: { "/a.txt": "file" } });
    await deploy(
      "asks-pages",
      `async (request, env) => {
        const told = async (work) => { try { return await work; } catch (error) { return error.message; } };
        return Response.json([
          await (await env.OTHER.fetch("http://x/a.txt")).text(),
          await told(env.OTHER.add(1, 2)),
          await told(env.NAMED.fetch("http://x/a.txt")),
        ]);
      }`,
      { bindings: [to("pages"), to("pages", { name: "NAMED", entrypoint: "Api" })] },
    );
    const [body, method, entry] = JSON.parse(await ask("asks-pages"));
    expect(body).toBe("file");
    expect(method).toMatch(/"pages": only JavaScript has methods and entry points/);
    expect(entry).toBe(method);
  });

  test("have their limit on both sides", async () => {
    await node.deploy(
      "large",
      `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint { size(value) { return value.byteLength; } make(n) { return new ArrayBuffer(n); } }`,
    );
    await deploy(
      "asks-large",
      `async (request, env) => {
        const told = async (work) => { try { return await work; } catch (error) { return error.message; } };
        return Response.json([
          await told(env.OTHER.size(new ArrayBuffer(20 * 1024 * 1024))),
          await told(env.OTHER.size(new ArrayBuffer(33 * 1024 * 1024))),
          await told(env.OTHER.make(33 * 1024 * 1024)),
        ]);
      }`,
      { bindings: [to("large")] },
    );
    const [fits, argument, result] = JSON.parse(await ask("asks-large"));
    expect(fits).toBe(20 * MIB);
    expect(argument).toMatch(/limited to 32MiB/);
    expect(result).toBe(argument);
  });
});
