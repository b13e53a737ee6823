/** The description of the API is asked for all that stands in it, and each answer is held against it. */

import { describe, expect, it } from "vitest";
import { HOURLY } from "../../../routes/db/limits.ts";
import { findSchemaFaults, type Schema } from "./json-schema.ts";
import { createAssets, draftWith, jsonOf, siteOf } from "./support.ts";

interface Answer {
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: Answer;
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Description {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const describeSite = async (get: ReturnType<typeof siteOf>) =>
  (await (await get("/api/openapi.json")).json()) as Description;
const CAPTION = { fetch: async () => new Response("PNG") };
const site = () => siteOf(undefined, { env: { ASSETS: createAssets(), CAPTION } });

/** For each operation: requests, and the status that each must have. Bodies may be what is wrong. */
const CASES: Readonly<Record<string, readonly (readonly [number, string, RequestInit?])[]>> = {
  listMemes: [
    [200, "/api/memes"],
    [200, "/api/memes?page=2&limit=5&order=top&tag=coffee&q=o"],
    [200, "/api/memes?page=1000&limit=50&order=newest&tag=&q="],
    [400, "/api/memes?page=0&limit=51&order=worst"],
    [400, `/api/memes?q=${"x".repeat(101)}&tag=${"x".repeat(101)}`],
  ],
  publishMeme: [
    [201, "/api/memes", jsonOf(draftWith())],
    [201, "/api/memes", jsonOf({ ...draftWith(), credit: undefined })],
    [400, "/api/memes", jsonOf("text")],
    [400, "/api/memes", jsonOf(null)],
    [400, "/api/memes", jsonOf([])],
    [400, "/api/memes", jsonOf({ ...draftWith(), title: 7 })],
    [400, "/api/memes", jsonOf({ ...draftWith(), captions: "No" })],
    [400, "/api/memes", jsonOf({ ...draftWith(), tags: [{}] })],
    [400, "/api/memes", { ...jsonOf(""), body: "{" }],
    [413, "/api/memes", jsonOf(draftWith({ title: "x".repeat(20_000) }))],
    [415, "/api/memes", jsonOf(draftWith(), { "content-type": "text/plain" })],
    [422, "/api/memes", jsonOf(draftWith({ title: "", captions: ["x".repeat(200), ""], tags: ['"'] }))],
    [422, "/api/memes", jsonOf(draftWith({ template: "goose" }))],
  ],
  findMeme: [
    [200, "/api/memes/null-result"],
    [404, "/api/memes/nope"],
    [404, "/api/memes/%00"],
  ],
  vote: [
    [200, "/api/memes/null-result/vote", { method: "PUT" }],
    [404, "/api/memes/nope/vote", { method: "PUT" }],
  ],
  takeVoteBack: [
    [200, "/api/memes/null-result/vote", { method: "DELETE" }],
    [404, "/api/memes/nope/vote", { method: "DELETE" }],
  ],
  listTags: [[200, "/api/tags"]],
  listTemplates: [[200, "/api/templates"]],
};

describe("/api/openapi.json", () => {
  it("is OpenAPI 3.1 at the address of the site, and is asked here in whole", async () => {
    const api = await describeSite(site());
    expect(api.openapi).toMatch(/^3\.1\.\d$/);
    expect(api.servers).toEqual([{ url: "https://memes.test/" }]);
    const operations = Object.values(api.paths).flatMap((path) => Object.values(path));
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(CASES).sort());
    for (const { operationId, responses } of operations) {
      const asked = CASES[operationId]?.map(([status]) => String(status)) ?? [];
      const all = Object.keys(responses).filter((status) => status !== "429");
      expect([...new Set(asked)].sort(), operationId).toEqual(all.sort());
    }
  });

  it.each(Object.entries(CASES))("tells the truth of %s", async (id, cases) => {
    const get = site();
    const api = await describeSite(get);
    for (const [status, path, init] of cases) {
      const response = await get(path, init);
      const method = init?.method?.toLowerCase() ?? "get";
      const found = Object.entries(api.paths).find(([pattern, methods]) => {
        const shape = new RegExp(`^${pattern.replace(/\{\w+\}/g, "[^/]+")}$`);
        return methods[method]?.operationId === id && shape.test(path.split("?")[0] ?? "");
      });
      const operation = found?.[1][method];
      expect(response.status, path).toBe(status);
      const content = operation?.responses[String(status)]?.content ?? {};
      const { schema } = content[response.headers.get("content-type") ?? ""] ?? {};
      expect(schema, path).toBeDefined();
      expect(findSchemaFaults(await response.json(), schema ?? {}, api), path).toEqual([]);
    }
  });

  it("knows the parameters that are read, and their bounds", async () => {
    const get = site();
    const { paths } = await describeSite(get);
    for (const { name, schema } of paths["/api/memes"]?.get?.parameters ?? []) {
      const beyond = Number(schema.maximum ?? schema.maxLength ?? 0) + 1;
      const value = schema.type === "integer" ? beyond : "x".repeat(beyond);
      expect(await (await get(`/api/memes?${name}=${value}`)).json(), name).toMatchObject({ errors: [{ name }] });
    }
  });

  it("describes the draft that is taken", async () => {
    const api = await describeSite(site());
    const schema = { $ref: "#/components/schemas/Draft" };
    expect(findSchemaFaults(draftWith(), schema, api)).toEqual([]);
    expect(findSchemaFaults({ ...draftWith(), more: 1 }, schema, api)).not.toEqual([]);
  });

  it("says how a refusal for too much looks", async () => {
    const get = site();
    const api = await describeSite(get);
    for (let i = 0; i < HOURLY.publish; i++) await get("/api/memes", jsonOf(draftWith()));
    const response = await get("/api/memes", jsonOf(draftWith()));
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(findSchemaFaults(await response.json(), { $ref: "#/components/schemas/Problem" }, api)).toEqual([]);
  });

  it("lets no other site's page write: nothing answers its question before", async () => {
    const get = site();
    for (const path of ["/api/memes", "/api/memes/null-result/vote"]) {
      const response = await get(path, {
        method: "OPTIONS",
        headers: { origin: "https://evil.test", "access-control-request-method": "PUT" },
      });
      expect(response.headers.get("access-control-allow-methods")).toBeNull();
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});
