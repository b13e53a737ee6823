import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import citations from "../../../functions/citation-stream/index.ts";
import hello from "../../../functions/hello/index.ts";

afterEach(() => vi.useRealTimers());

describe("functions/hello", () => {
  it("says hello", async () => {
    expect(await hello.fetch().text()).toBe("Hello, world\n");
  });
});

describe("functions/hello-deno", () => {
  let greet: (request: Request) => Response;

  beforeAll(async () => {
    const env = { get: (name: string) => (name === "GREETING" ? "Good" : undefined) };
    vi.stubGlobal("Deno", { serve: (handler: typeof greet) => (greet = handler), env });
    // By a name that the compiler does not follow: Deno's global is declared beside the function alone.
    const entry = "../../../functions/hello-deno/main.ts";
    await import(/* @vite-ignore */ entry);
  });

  afterAll(() => vi.unstubAllGlobals());

  it.each([
    ["2026-01-01T03:00:00Z", "UTC", "Good night, Ada.\n"],
    ["2026-01-01T05:00:00Z", "UTC", "Good morning, Ada.\n"],
    ["2026-01-01T12:00:00Z", "UTC", "Good afternoon, Ada.\n"],
    ["2026-01-01T12:00:00Z", "Asia/Tokyo", "Good evening, Ada.\n"],
  ])("at %s in %s says %j", async (now, zone, text) => {
    vi.useFakeTimers({ now: new Date(now) });
    expect(await greet(new Request(`https://h.test/?name=Ada&zone=${zone}`)).text()).toBe(text);
  });

  it("escapes the name on a page", async () => {
    const request = new Request("https://h.test/?name=<script>%26'", { headers: { accept: "text/html" } });
    const response = greet(request);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toContain(", &lt;script&gt;&amp;&#39;.</h1>");
  });

  it("refuses other methods and zones nobody lives in", () => {
    expect(greet(new Request("https://h.test/", { method: "POST" })).status).toBe(405);
    expect(greet(new Request("https://h.test/?zone=Mars")).status).toBe(400);
  });
});

describe("functions/citation-stream", () => {
  const ask = (query: string, init?: RequestInit) => citations.fetch(new Request(`https://c.test/${query}`, init));

  it("writes one JSON object per line", async () => {
    const response = ask("?n=100&delay=0");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const entries = (await response.text()).trimEnd().split("\n");
    expect(entries).toHaveLength(100);
    expect(entries.map((line) => JSON.parse(line).number)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    for (const line of entries) expect(JSON.parse(line).authors).not.toMatch(/^(\w+) & \1/);
  });

  it("writes events to those who ask for them", async () => {
    const response = ask("?n=1&delay=0", { headers: { accept: "text/event-stream" } });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toMatch(/^id: 1\nevent: citation\ndata: \{.*\}\n\n$/);
  });

  it.each(["?n=0", "?n=101", "?n=", "?n=1.5", "?n=x", "?delay=2001", "?delay=-1"])("refuses %s", async (query) => {
    const response = ask(query);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("writes nothing to HEAD", async () => {
    expect(await ask("", { method: "HEAD" }).text()).toBe("");
  });

  it("waits before each entry, and writes nothing ahead of its reader", async () => {
    vi.useFakeTimers();
    const reader = ask("?n=2&delay=1000").body?.getReader();
    expect(vi.getTimerCount()).toBe(0);
    const first = reader?.read();
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await first)?.done).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(["reader", "request"])("stops its timer when the %s is cancelled", async (who) => {
    vi.useFakeTimers();
    const caller = new AbortController();
    const reader = ask("?delay=1000", { signal: caller.signal }).body?.getReader();
    const first = reader?.read().then(
      () => "settled",
      (error: Error) => error.name,
    );
    await vi.advanceTimersByTimeAsync(10);
    expect(vi.getTimerCount()).toBe(1);
    if (who === "reader") await reader?.cancel();
    else caller.abort();
    expect(await first).toBe(who === "reader" ? "settled" : "AbortError");
    expect(vi.getTimerCount()).toBe(0);
  });
});
