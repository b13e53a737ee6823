/** Requests as a CGI program sees them, and its output as a response. */

import { describe, expect, it } from "vitest";
import { readCgiHead, toCgi } from "../../../src/engine/wasi/cgi.guest.ts";
import type { RequestHead } from "../../../src/model/exchange.ts";
import { DEFAULT_WASI } from "../../../src/model/function.ts";

const start = (head: Partial<RequestHead> = {}, bodyBytes?: number) => {
  const whole = { method: "GET", url: "http://a.test/x%20y?b", headers: [], ...head };
  const url = new URL(whole.url);
  return toCgi({ head: whole, url, settings: DEFAULT_WASI, vars: {}, name: "prog", bodyBytes });
};
const read = (output: string) => readCgiHead(Buffer.from(output), { isWhole: true })?.head;

describe("meta-variables", () => {
  it("tell where the program is: at the root of a host, or under a path", () => {
    expect(start().env).toMatchObject({ SCRIPT_NAME: "", PATH_INFO: "/x y", X_FULL_URL: "http://a.test/x%20y?b" });
    expect(start({ basePath: "/fn/prog" }).env).toMatchObject({
      SCRIPT_NAME: "/fn/prog",
      PATH_INFO: "/x y",
      X_MATCHED_ROUTE: "/fn/prog/...",
      X_FULL_URL: "http://a.test/fn/prog/x%20y?b",
    });
  });

  it("tell whose address the node has seen", () => {
    expect(start().env).toMatchObject({ REMOTE_ADDR: "", REMOTE_HOST: "" });
    expect(start({ headers: ["cf-connecting-ip", "::1"] }).env).toMatchObject({
      REMOTE_ADDR: "::1",
      REMOTE_HOST: "::1",
    });
  });

  it("hold no credentials and no proxy", () => {
    const { env } = start({ headers: ["authorization", "me", "proxy", "evil", "x-a", "1", "x-a", "2"] });
    expect(Object.keys(env).filter((name) => name.startsWith("HTTP_"))).toEqual(["HTTP_X_A"]);
    expect(env.HTTP_X_A).toBe("1, 2");
  });
});

describe("header lines", () => {
  it("are not mistaken for others when they are variables", () => {
    const { env } = start({
      headers: ["cf-connecting-ip", "::1", "cf_connecting_ip", "evil", "cf.connecting.ip", "evil"],
    });
    expect(env.HTTP_CF_CONNECTING_IP).toBe("::1");
  });

  it("of cookies become one", () => {
    expect(start({ headers: ["cookie", "a=1", "cookie", "b=2"] }).env.HTTP_COOKIE).toBe("a=1; b=2");
  });
});

describe("output", () => {
  it.each<[output: string, status: number, headers: string[]]>([
    ["Content-Type: text/plain\n\n", 200, ["content-type", "text/plain"]],
    ["Location: /fn/prog/x\r\n\r\n", 302, ["location", "/fn/prog/x"]],
    ["Status: 303 See Other\nLocation: /x\n\n", 303, ["location", "/x"]],
    ["Status: 404\n\n", 404, []],
    ["Status: 999 odd\nX-A: location\n\n", 999, ["x-a", "location"]],
  ])("%j is a head", (output, status, headers) => {
    expect(read(output)).toEqual({ status, headers });
  });

  it.each([
    ["Status: ok\n\n", /Status/],
    ["Status: 2000\n\n", /Status/],
    ["Status:\n\n", /Status/],
    ["X-A: location\n\n", /neither Content-Type nor Location/],
    ["<html>\n\n", /no header field/],
    ["Content-Type: text/plain\n", /does not begin with header lines/],
    ["", /does not begin with header lines/],
  ])("%j is none", (output, why) => {
    expect(() => read(output)).toThrow(why);
  });
});
