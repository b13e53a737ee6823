/**
 * Requests that could be read in two ways. Each is refused, and what stands behind it never reaches a function; or it
 * is read in the one way that there is, and what stands behind it is answered as the request that it is.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-11.2
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestGateway, type TestGateway } from "../support/gateway.ts";
import { openRaw } from "../support/raw-http.ts";

const HOST = "Host: a.test\r\n";
const SECOND = `GET /second HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const post = (headers: string, body: string) => `POST /first HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const get = (headers: string) => `GET /first HTTP/1.1\r\n${HOST}${headers}\r\n`;
const coded = (coding: string) => post(`Transfer-Encoding: ${coding}\r\n`, "0\r\n\r\n");
const sized = (length: string, body = "") => post(`Content-Length: ${length}\r\n`, body);
const chunks = (body: string) => post("Transfer-Encoding: chunked\r\n", body);

/** None of these, nor what follows it, is seen by a function. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["a length and a coding", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ["a coding and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n")],
  ["two codings in two lines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")],
  ["chunked twice", coded("chunked, chunked")],
  ["a coding that is nearly chunked", coded("xchunked")],
  ["a coding in quotes", coded('"chunked"')],
  ["a coding before chunked", coded("gzip, chunked")],
  ["a coding after chunked", coded("chunked, identity")],
  ["identity", coded("identity")],
  ["a coding behind a vertical tab", coded("\x0bchunked")],
  ["an empty coding", post("Transfer-Encoding:\r\n", "")],
  ["a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")],
  ["a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")],
  ["a coding under HTTP/1.0", `POST /first HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["two equal lengths", post("Content-Length: 1\r\nContent-Length: 1\r\n", "x")],
  ["two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "xx")],
  ["a length with a plus", sized("+5", "hello")],
  ["a negative length", sized("-1")],
  ["a length in hexadecimal", sized("0x1", "x")],
  ["a list of lengths", sized("1, 1", "x")],
  ["a length with a space inside", sized("1 1", "x")],
  ["a length beyond all numbers", sized("9".repeat(30), "x")],
  ["an empty length", sized("")],
  ["a folded header", get("X-A: b\r\n c\r\n")],
  ["a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")],
  ["bare line feeds", "GET /first HTTP/1.1\nHost: a.test\n\n"],
  ["a bare line feed between headers", get("X-A: b\nX-B: c\r\n")],
  ["a bare carriage return", get("X-A: b\rX-B: c\r\n")],
  ["NUL in a header's value", get("X-A: b\0c\r\n")],
  ["NUL in a header's name", get("X\0A: b\r\n")],
  ["a control character in a header's value", get("X-A: b\x01c\r\n")],
  ["a header's name with a space", get("X A: b\r\n")],
  ["a header without a name", get(": b\r\n")],
  ["a header without a colon", get("XA\r\n")],
  ["a space before the first header", `GET /first HTTP/1.1\r\n X-A: b\r\n${HOST}\r\n`],
  ["no Host", "GET /first HTTP/1.1\r\n\r\n"],
  ["no Host under HTTP/1.0", "GET /first HTTP/1.0\r\n\r\n"],
  ["two Hosts", get("Host: b.test\r\n")],
  ["the same Host twice", get(HOST)],
  ["an empty Host", "GET /first HTTP/1.1\r\nHost:\r\n\r\n"],
  ["a Host with a user", "GET /first HTTP/1.1\r\nHost: root@a.test\r\n\r\n"],
  ["a Host with a path", "GET /first HTTP/1.1\r\nHost: a.test/x\r\n\r\n"],
  ["a Host that is no address", "GET /first HTTP/1.1\r\nHost: 999.999.999.999\r\n\r\n"],
  ["a Host with a port that is none", "GET /first HTTP/1.1\r\nHost: a.test:99999\r\n\r\n"],
  ["HTTP/0.9", "GET /first\r\n"],
  ["HTTP/1.2", `GET /first HTTP/1.2\r\n${HOST}\r\n`],
  ["HTTP/2.0 as text", `GET /first HTTP/2.0\r\n${HOST}\r\n`],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a version in lower case", `GET /first http/1.1\r\n${HOST}\r\n`],
  ["the greeting of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["garbage", "\x00\xff\x00garbage\r\n\r\n"],
  ["a space before the method", ` GET /first HTTP/1.1\r\n${HOST}\r\n`],
  ["a method that nobody knows", `BREW /first HTTP/1.1\r\n${HOST}\r\n`],
  ["a method in lower case", `get /first HTTP/1.1\r\n${HOST}\r\n`],
  ["tabs in the request line", `GET\t/first\tHTTP/1.1\r\n${HOST}\r\n`],
  ["a control character in the target", `GET /fi\x01rst HTTP/1.1\r\n${HOST}\r\n`],
  ["bytes above ASCII in the target", `GET /\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`],
  ["a fragment in the target", `GET /first#x HTTP/1.1\r\n${HOST}\r\n`],
  ["a target of another scheme", `GET ftp://a.test/first HTTP/1.1\r\n${HOST}\r\n`],
  ["a target with a user", `GET http://root:x@a.test/first HTTP/1.1\r\n${HOST}\r\n`],
  ["a target that is a host", `GET a.test:80 HTTP/1.1\r\n${HOST}\r\n`],
  ["an asterisk for GET", `GET * HTTP/1.1\r\n${HOST}\r\n`],
  ["CONNECT", `CONNECT a.test:80 HTTP/1.1\r\n${HOST}\r\n`],
  ["TRACE", `TRACE /first HTTP/1.1\r\n${HOST}\r\n`],
];

/** A body that streams to the function breaks off there; what follows it is not a request. */
const BROKEN_BODIES: readonly (readonly [string, string])[] = [
  ["a chunk size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n")],
  ["a chunk size beyond all numbers", chunks(`${"f".repeat(17)}\r\nhello\r\n0\r\n\r\n`)],
  ["a negative chunk size", chunks("-5\r\nhello\r\n0\r\n\r\n")],
  ["an empty chunk size", chunks("\r\nhello\r\n0\r\n\r\n")],
  ["a space behind a chunk size", chunks("5 \r\nhello\r\n0\r\n\r\n")],
  ["a control character in a chunk extension", chunks("5;\x01\r\nhello\r\n0\r\n\r\n")],
  ["a line feed in a chunk extension", chunks("5;a\nhello\r\n0\r\n\r\n")],
  ["a chunk without its line end", chunks("5\r\nhello0\r\n\r\n")],
  ["chunks with bare line feeds", chunks("5\nhello\n0\n\n")],
  ["a trailer's name with a space", chunks("0\r\nX Y: 1\r\n\r\n")],
  ["a length among the trailers", chunks("0\r\nContent-Length: 5\r\n\r\n")],
];

/** There is one way to read these. */
const READ: readonly (readonly [string, string, string])[] = [
  [
    "CHUNKED in capitals",
    post("Transfer-Encoding: CHUNKED\r\n", "2\r\nhi\r\n0\r\n\r\n"),
    "POST http://a.test/first hi",
  ],
  ["a trailer", chunks("2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"), "POST http://a.test/first hi"],
  ["a chunk extension", chunks('2;a="b"\r\nhi\r\n0\r\n\r\n'), "POST http://a.test/first hi"],
  ["a length with leading zeros", sized("0002", "hi"), "POST http://a.test/first hi"],
  ["GET with a body", `${get("Content-Length: 2\r\n")}hi`, "GET http://a.test/first hi"],
  ["empty lines before the request", `\r\n\r\n${get("")}`, "GET http://a.test/first "],
  ["a length that Connection names", sized("2\r\nConnection: content-length", "hi"), "POST http://a.test/first hi"],
  ["an absolute target", `GET http://b.test/first HTTP/1.1\r\n${HOST}\r\n`, "GET http://b.test/first "],
];

describe("a request that can be read in two ways", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await openTestGateway({ timeouts: { lingerMs: 20 } });
  });
  beforeEach(() => {
    gateway.seen.length = 0;
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  test.for(REFUSED)("is refused with a problem and its connection closed: %s", async ([, text]) => {
    await using connection = await openRaw(gateway.url);
    connection.send(text + SECOND);
    const answer = await connection.next();
    await connection.closed();
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.header("connection")).toBe("close");
    expect(answer.header("x-request-id")).toMatch(/^r\d+$/);
    expect(answer.header("server-timing")).toContain("route;dur=");
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_REQUEST_INVALID", status: 400 });
    expect(connection.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(gateway.seen).toEqual([]);
  });

  test.for(BROKEN_BODIES)("ends where its body breaks off: %s", async ([, text]) => {
    await using connection = await openRaw(gateway.url);
    connection.send(text + SECOND);
    const answer = await connection.next();
    await connection.closed();
    expect(answer).toMatchObject({ status: 400 });
    expect(connection.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    for (const { head, signal } of gateway.seen) {
      expect(head.url).toBe("http://a.test/first");
      expect(signal.aborted).toBe(true);
    }
  });

  test.for(READ)("is read in the one way that there is: %s", async ([, text, first]) => {
    await using connection = await openRaw(gateway.url);
    connection.send(text + SECOND);
    expect((await connection.next()).body).toBe(first);
    expect((await connection.next()).body).toBe("GET http://a.test/second ");
    await connection.closed();
  });

  test("is refused after it streamed a part of another answer by cutting the connection", async () => {
    const hold = Promise.withResolvers<void>();
    await using slow = await openTestGateway({
      answer: () => ({
        head: { status: 200, headers: [] },
        body: new ReadableStream({
          start: (controller) => controller.enqueue(Buffer.from("part")),
          pull: () => hold.promise,
        }),
      }),
    });
    await using connection = await openRaw(slow.url);
    connection.send(get(""));
    await connection.until("part");
    connection.send("garbage\r\n\r\n");
    await connection.closed();
    hold.resolve();
    expect(connection.received).not.toContain("NEBULA_REQUEST_INVALID");
    expect(connection.received).not.toContain("\r\n0\r\n");
  });
});
