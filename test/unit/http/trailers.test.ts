import { describe, expect, it } from "vitest";
import { findAnnounced, toAnnouncement, toNames } from "../../../src/http/send-trailers.ts";
import { toTrailers } from "../../../src/model/trailers.ts";

describe("toTrailers()", () => {
  it("keeps what may come after a body, with names in lower case", () => {
    expect(toTrailers(["X-Sum", "1", "Server-Timing", "a;dur=1", "etag", '"x"'])).toEqual([
      "x-sum",
      "1",
      "server-timing",
      "a;dur=1",
      "etag",
      '"x"',
    ]);
  });

  it.each(
    [
      "transfer-encoding content-length host cache-control max-forwards te authorization set-cookie content-encoding",
      "content-type content-range trailer connection www-authenticate proxy-authorization if-none-match range",
      "location retry-after vary date expires age pragma expect upgrade cookie x-request-id",
    ].flatMap((line) => line.split(" ")),
  )("drops %s", (name) => {
    expect(toTrailers([name.toUpperCase(), "x"])).toBeUndefined();
    expect(toTrailers([name, "x", "x-a", "b"])).toEqual(["x-a", "b"]);
  });
});

describe("what is announced", () => {
  it("is what the function names, without what may be none or is no name", () => {
    const headers = ["a", "trailer", "trailer", "X-A , content-length,, b c", "trailer", "x-b"];
    expect(findAnnounced(headers)).toEqual(["x-a", "x-b"]);
    expect(toAnnouncement(["x-a", "x-b", "x-a"])).toEqual(["trailer", "x-a, x-b"]);
    expect(toAnnouncement([])).toEqual([]);
    expect(toNames(["x-a", "1", "x-b", "2"])).toEqual(["x-a", "x-b"]);
  });
});
