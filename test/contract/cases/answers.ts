/** What was asked arrives at the function, and what it answers arrives here, unharmed. */

import { expect } from "vitest";
import { ask, askJson, askText, bytesOf } from "../../support/capabilities.ts";
import { gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  echo: "async (request) => new Response(await request.arrayBuffer())",
  mirror: `async (request) => Response.json({
    method: request.method, url: request.url, headers: [...request.headers], body: await request.text(),
  })`,
  teapot: '() => new Response("teapot", { status: 418, headers: { "x-a": "1", "content-type": "text/x" } })',
  cookies: `() => {
    const headers = new Headers();
    for (let i = 0; i < 20; i++) headers.append("set-cookie", \`c\${i}=\${i}; Path=/, x\`);
    return new Response(null, { headers });
  }`,
  duplicates: `(request) => {
    const headers = new Headers({ "x-in": request.headers.get("x-dup") });
    headers.append("x-out", "1");
    headers.append("x-out", "2");
    return new Response(null, { headers });
  }`,
  latin: '(request) => new Response(null, { headers: { "x-back": request.headers.get("x-latin") } })',
  empty: "() => new Response(null, { status: 204 })",
  sized: '() => new Response("not sent", { headers: { "content-length": "8", "x-a": "1" } })',
  slow: `async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return new Response(new URL(request.url).pathname + await request.text());
  }`,
  redirect: '() => Response.redirect("http://example.com/there", 307)',
});

const ECHO = guest("echo");
const MIRROR = guest("mirror");

export const ANSWER_CASES: readonly ContractCase[] = [
  {
    name: "fetch() gives status, headers and body as the function set them",
    run: async ({ start }) => {
      const instance = await start(guest("teapot"));
      const { head, body } = await ask(instance);
      expect(head).toEqual({ status: 418, headers: ["content-type", "text/x", "x-a", "1"] });
      expect((await bytesOf(body)).toString()).toBe("teapot");
    },
  },
  {
    name: "fetch() hands method, URL, headers and body to the function",
    run: async ({ start }) => {
      const instance = await start(MIRROR);
      const headers = ["host", "localhost", "x-b", "two words", "accept", "a/b"];
      expect(await askJson(instance, { method: "PUT", path: "/a%20b/%C3%A9?q=1&q=2", headers, body: "hällo" })).toEqual(
        {
          method: "PUT",
          url: "http://localhost/a%20b/%C3%A9?q=1&q=2",
          headers: expect.arrayContaining([
            ["x-b", "two words"],
            ["accept", "a/b"],
            ["host", "localhost"],
          ]),
          body: "hällo",
        },
      );
    },
  },
  {
    name: "fetch() passes uncommon methods on",
    run: async ({ start }) => {
      const instance = await start(MIRROR);
      for (const method of ["DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
        expect(await askJson(instance, { method })).toMatchObject({ method });
      }
    },
  },
  {
    name: "fetch() keeps several set-cookie headers apart",
    run: async ({ start }) => {
      const instance = await start(guest("cookies"));
      const { head } = await ask(instance);
      const cookies = head.headers.filter((_, i) => i % 2 === 1 && head.headers[i - 1] === "set-cookie");
      expect(cookies).toEqual(Array.from({ length: 20 }, (_, i) => `c${i}=${i}; Path=/, x`));
    },
  },
  {
    name: "fetch() joins duplicate headers as the web does, on the way in and out",
    run: async ({ start }) => {
      const instance = await start(guest("duplicates"));
      const { head } = await ask(instance, { headers: ["host", "localhost", "x-dup", "a", "x-dup", "b"] });
      expect(head.headers).toEqual(["x-in", "a, b", "x-out", "1, 2"]);
    },
  },
  {
    name: "fetch() keeps header values with bytes above 127",
    run: async ({ start }) => {
      const instance = await start(guest("latin"));
      const { head } = await ask(instance, { headers: ["host", "localhost", "x-latin", "caf\u00e9"] });
      expect(head.headers).toEqual(["x-back", "caf\u00e9"]);
    },
  },
  {
    name: "fetch() keeps binary bodies byte by byte",
    run: async ({ start }) => {
      const instance = await start(ECHO);
      const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
      const { body } = await ask(instance, { method: "POST", body: bytes });
      expect((await bytesOf(body)).equals(bytes)).toBe(true);
    },
  },
  {
    name: "fetch() keeps empty bodies empty",
    run: async ({ start }) => {
      const instance = await start(ECHO);
      for (const body of [null, new Uint8Array(), new ReadableStream<Uint8Array>({ start: (c) => c.close() })]) {
        expect(await askText(instance, { method: "POST", body })).toBe("");
      }
      const none = await start(guest("empty"));
      const { head, body } = await ask(none);
      expect(head.status).toBe(204);
      expect(await bytesOf(body)).toHaveLength(0);
    },
  },
  {
    name: "fetch() answers HEAD with the headers of GET and no body",
    run: async ({ start }) => {
      const instance = await start(guest("sized"));
      const { head, body } = await ask(instance, { method: "HEAD" });
      expect(head.headers).toEqual(expect.arrayContaining(["content-length", "8", "x-a", "1"]));
      expect(await bytesOf(body)).toHaveLength(0);
    },
  },
  {
    name: "fetch() answers many requests at once, each with its own",
    needs: "concurrency",
    run: async ({ start }) => {
      const instance = await start(guest("slow"));
      const answers = Array.from({ length: 200 }, (_, i) =>
        askText(instance, { method: "POST", path: `/${i}`, body: "b".repeat(i) }),
      );
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 200 }, (_, i) => `/${i}${"b".repeat(i)}`));
    },
  },
  {
    name: "redirects of the function are given to the client, not followed",
    run: async ({ start }) => {
      const instance = await start(guest("redirect"));
      const { head } = await ask(instance);
      expect(head).toEqual({ status: 307, headers: ["location", "http://example.com/there"] });
    },
  },
];
