import { describe, expect, it } from "vitest";
import { parseRoutePattern } from "../../../src/router/route-pattern.ts";

describe("parseRoutePattern()", () => {
  it("gives the parts without their stars and one spelling", () => {
    expect(parseRoutePattern("https://*.Example.com/Img/*")).toEqual({
      text: "*.example.com/Img/*",
      host: ".example.com",
      isHostWildcard: true,
      path: "/Img/",
      isPathWildcard: true,
    });
  });

  it.each([
    ["example.com", "example.com/"],
    ["HTTP://example.com/*", "example.com/*"],
    ["*/*", "*/*"],
    ["*example.com/", "*example.com/"],
    ["*-api.example.com/*", "*-api.example.com/*"],
    ["*.münchen.example/*", "*.xn--mnchen-3ya.example/*"],
    ["my_host/*", "my_host/*"],
    ["example.com/ä", "example.com/%C3%A4"],
    ["example.com/fn*", "example.com/fn*"],
  ])("spells %s as %s", (text, spelling) => {
    expect(parseRoutePattern(text).text).toBe(spelling);
  });

  it.each([
    ["", "it has no host"],
    ["/api/*", "it has no host"],
    ["https:///x", "it has no host"],
    ["*", "it has no path"],
    ["example.com*", "it has no path"],
    ["a.*.com/*", "a host may hold one star, at its start"],
    ["**.com/*", "a host may hold one star, at its start"],
    ["example.*/x", "a host may hold one star, at its start"],
    ["example.com/*.jpg", "a path may hold one star, at its end"],
    ["example.com/**", "a path may hold one star, at its end"],
    ["example.com/?foo=*", "it holds a query string or a fragment"],
    ["example.com/#a", "it holds a query string or a fragment"],
    ["example.com:8080/*", "it names a port"],
    ["[::1]:80/*", "it names a port"],
    ["ftp://example.com/*", "its scheme is neither http nor https"],
    ["exa mple.com/*", "it holds white space"],
    ["user@example.com/*", "its host is not a host name"],
    ["a..b/*", "its host is not a host name"],
    ["*./*", "its host is not a host name"],
    ["*..com/*", "its host is not a host name"],
    ["[::g]/*", "its host is not a host name"],
    ["*ünchen.example/*", 'a star before a name in Unicode needs a dot ("*.")'],
    ["example.com/fn/x*", 'paths under "/fn/" lead to functions by name and never reach a route'],
  ])("refuses %j: %s", (text, problem) => {
    expect(() => parseRoutePattern(text)).toThrow(
      expect.objectContaining({ code: "NEBULA_CONFIG_INVALID", message: `Cannot read route "${text}": ${problem}` }),
    );
  });
});
