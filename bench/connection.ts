/**
 * One HTTP connection, kept alive, one request at a time; says when the first byte of each answer came.
 *
 * Raw, because a client library's own work would be part of every number. Reads what the measured servers send:
 * bodies with a length or in chunks.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";

const TIMEOUT_MS = 30_000;
const HEAD_END = Buffer.from("\r\n\r\n");
/** The last chunk, and the trailers behind it. */
const CHUNKS_END = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/;

export interface Reply {
  readonly status: number;
  /** The status line and header lines, as they came. */
  readonly head: string;
  readonly body: string;
  /** From the write of the request to the first byte of the answer. */
  readonly firstByteMs: number;
  /** To its last byte. */
  readonly totalMs: number;
}

export class Connection implements Disposable {
  readonly #socket: Socket;
  readonly #host: string;

  /** Takes a socket that is connected; `host` is what requests name. */
  constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
  }

  async get(path: string): Promise<Reply> {
    const socket = this.#socket;
    const request = `GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    let received: Buffer = Buffer.alloc(0);
    let firstByteMs = 0;
    const startMs = performance.now();
    const onData = (chunk: Buffer) => {
      if (received.length === 0) firstByteMs = performance.now() - startMs;
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const reply = findReply(received);
      if (reply) resolve({ ...reply, firstByteMs, totalMs: performance.now() - startMs });
    };
    const onClose = () => reject(new Error(`Cannot get "${path}": the connection was closed`));
    const timer = setTimeout(() => reject(new Error(`Cannot get "${path}": no answer in time`)), TIMEOUT_MS);
    socket.on("data", onData).once("close", onClose).once("error", reject);
    socket.write(request);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      socket.off("data", onData).off("close", onClose).off("error", reject);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.on("error", () => {}).destroy();
  }
}

export async function openConnection(url: URL): Promise<Connection> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, "connect");
  return new Connection(socket, url.host);
}

function findReply(received: Buffer): Pick<Reply, "status" | "head" | "body"> | undefined {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = received.toString("latin1", 0, end);
  const raw = received.subarray(end + HEAD_END.length);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isWhole = length === undefined ? CHUNKS_END.test(raw.toString("latin1")) : raw.length >= Number(length);
  if (!isWhole) return undefined;
  const body = length === undefined ? joinChunks(raw) : raw.toString();
  return { status: Number(head.slice(9, 12)), head, body };
}

function joinChunks(raw: Buffer): string {
  const chunks: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.toString("latin1", at, lineEnd), 16);
    if (size === 0) break;
    chunks.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(chunks).toString();
}
