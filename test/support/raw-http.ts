/**
 * HTTP/1.1 as bytes on a socket, for what an HTTP client would refuse to send or would hide.
 */

import { connect, type Socket } from "node:net";

export interface RawResponse {
  readonly status: number;
  readonly statusText: string;
  /** In order, names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  /** Joined by ", " when a name stands several times. */
  header(name: string): string | undefined;
  readonly body: string;
}

export interface RawConnection extends AsyncDisposable {
  readonly socket: Socket;
  /** Everything that has come so far, one character per byte. */
  readonly received: string;
  /** Whether the other side has ended or cut the connection. */
  readonly isClosed: boolean;
  send(text: string | Uint8Array): void;
  /** Waits until what has come holds the text. */
  until(text: string): Promise<void>;
  /** Waits for one more response and takes it off what has come. `to`: the method that it answers. */
  next(to?: string): Promise<RawResponse>;
  /** Waits until the other side has closed. */
  closed(): Promise<void>;
}

const WAIT_MS = 10_000;

export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let received = "";
  let taken = 0;
  let isClosed = false;
  let wake = Promise.withResolvers<void>();
  const notify = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    notify();
  });
  for (const event of ["end", "close"]) {
    socket.on(event, () => {
      isClosed = true;
      notify();
    });
  }
  // What a broken connection means is told by "close".
  socket.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const waitFor = async (what: string, holds: () => boolean, mayClose = false) => {
    const endMs = performance.now() + WAIT_MS;
    while (!holds()) {
      if (isClosed && !mayClose)
        throw new Error(`closed before ${what}; came: ${JSON.stringify(received.slice(0, 500))}`);
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`no ${what} in ${WAIT_MS} ms; came: ${JSON.stringify(received.slice(0, 500))}`);
      const timer = Promise.withResolvers<void>();
      const id = setTimeout(timer.resolve, leftMs);
      await Promise.race([wake.promise, timer.promise]);
      clearTimeout(id);
    }
  };
  return {
    socket,
    get received() {
      return received;
    },
    get isClosed() {
      return isClosed;
    },
    send: (text) => void socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text),
    until: (text) => waitFor(JSON.stringify(text), () => received.includes(text)),
    next: async (to = "GET") => {
      let found: ReturnType<typeof readResponse>;
      const hasOne = () => {
        found = readResponse(received.slice(taken), { to, isClosed });
        return found !== undefined;
      };
      await waitFor("response", hasOne);
      taken += found?.length ?? 0;
      if (found === undefined) throw new Error("no response");
      return found.response;
    },
    closed: () => waitFor("end of the connection", () => isClosed, true),
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}

/** One connection, one write, and every response until the other side closes. */
export async function exchange(
  url: string,
  text: string | Uint8Array,
): Promise<{ responses: RawResponse[]; raw: string }> {
  await using connection = await openRaw(url);
  connection.send(text);
  await connection.closed();
  const responses: RawResponse[] = [];
  let rest = connection.received;
  for (let found = readResponse(rest, { to: "GET", isClosed: true }); found !== undefined; ) {
    responses.push(found.response);
    rest = rest.slice(found.length);
    found = readResponse(rest, { to: "GET", isClosed: true });
  }
  return { responses, raw: connection.received };
}

/** The first whole response in a text, and how much of the text it is. */
function readResponse(
  text: string,
  { to, isClosed }: { to: string; isClosed: boolean },
): { response: RawResponse; length: number } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const [, status = "0", statusText = ""] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine) ?? [];
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  const header = (name: string) => {
    const values = headers.filter(([key]) => key === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(", ");
  };
  const rest = text.slice(end + 4);
  const found = readBody(rest, { header, isClosed, hasNone: to === "HEAD" || /^(1..|204|304)$/.test(status) });
  if (found === undefined) return undefined;
  const response = { status: Number(status), statusText, headers, header, body: found.body };
  return { response, length: end + 4 + found.length };
}

function readBody(
  rest: string,
  { header, isClosed, hasNone }: { header(name: string): string | undefined; isClosed: boolean; hasNone: boolean },
): { body: string; length: number } | undefined {
  if (hasNone) return { body: "", length: 0 };
  if (header("transfer-encoding") === "chunked") return readChunks(rest);
  const length = header("content-length");
  if (length === undefined) return isClosed ? { body: rest, length: rest.length } : undefined;
  return rest.length < Number(length) ? undefined : { body: rest.slice(0, Number(length)), length: Number(length) };
}

function readChunks(text: string): { body: string; length: number } | undefined {
  let body = "";
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (text.length < lineEnd + 2 + size + 2) return undefined;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (size === 0) return { body, length: at };
  }
}
