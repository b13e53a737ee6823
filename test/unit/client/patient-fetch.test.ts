import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { fetchPatiently } from "../../../src/client/patient-fetch.ts";

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/`;
}

const asked = (signal?: AbortSignal) => ({
  method: "POST",
  headers: new Headers({ authorization: "Bearer x" }),
  body: "grüße",
  ...(signal && { signal }),
});

test("fetchPatiently() sends method, headers and body, and gives the answer's status and text", async () => {
  const url = await listen(async (request, response) => {
    const { method, headers } = request;
    const said = [method, headers.authorization, headers["content-length"], await text(request)];
    response.writeHead(201).end(JSON.stringify(said));
  });
  const response = await fetchPatiently(url, asked());
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual(["POST", "Bearer x", "7", "grüße"]);
});

test("fetchPatiently() follows no redirect", async () => {
  const url = await listen((_request, response) => response.writeHead(302, { location: "/else" }).end());
  expect((await fetchPatiently(url, asked())).status).toBe(302);
});

test("fetchPatiently() rejects with the reason of an abort, before the answer and within it", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const url = await listen((_request, response) => {
    response.writeHead(200).write("a");
    controller.abort(reason);
  });
  await expect(fetchPatiently(url, asked(controller.signal))).rejects.toBe(reason);
  await expect(fetchPatiently(url, asked(controller.signal))).rejects.toBe(reason);
});

test("fetchPatiently() rejects with the system's error when nobody listens", async () => {
  await expect(fetchPatiently("http://127.0.0.1:1/", asked())).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("fetchPatiently() rejects when the answer breaks off, and when it never ends", async () => {
  const broken = await listen((request, response) => {
    response.writeHead(200, { "content-length": 10 }).write("a");
    setImmediate(() => request.socket.destroy());
  });
  await expect(fetchPatiently(broken, asked())).rejects.toThrow();
  const endless = await listen((_request, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on("drain", more);
    more();
  });
  await expect(fetchPatiently(endless, asked())).rejects.toThrow("it is too long");
});
