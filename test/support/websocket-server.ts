/**
 * A WebSocket server in a few lines (RFC 6455): it sends every message back, answers pings, and refuses what it is told to.
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { Socket } from "node:net";

export interface WebSocketServer extends AsyncDisposable {
  readonly port: number;
  /** Heads of the requests to change the protocol. */
  readonly asked: IncomingMessage[];
  /** Connections that speak WebSocket. */
  readonly sockets: Socket[];
}

export interface WebSocketServerOptions {
  /** Answers what is no WebSocket; and what is, for the path `/plain`. Default 404. */
  readonly onRequest?: RequestListener;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OP = { close: 8, ping: 9, pong: 10 } as const;

export async function openWebSocketServer({
  onRequest = (_message, response) => void response.writeHead(404).end("no WebSocket"),
}: WebSocketServerOptions = {}): Promise<WebSocketServer> {
  const asked: IncomingMessage[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ shouldUpgradeCallback: ({ url }) => url !== "/plain" }, onRequest);
  server.on("upgrade", (message, socket: Socket) => {
    asked.push(message);
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    const { "sec-websocket-key": key = "", "sec-websocket-protocol": protocols } = message.headers;
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${createHash("sha1")
        .update(key + GUID)
        .digest("base64")}`,
      ...(protocols === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocols.split(",")[0]}`]),
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    let rest = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      for (let frame = findFrame(rest); frame !== undefined; frame = findFrame(rest)) {
        rest = rest.subarray(frame.length);
        const first = frame.op === OP.ping ? (frame.first & 0xf0) | OP.pong : frame.first;
        const isFlowing = socket.write(toFrame(first, frame.payload));
        if (frame.op === OP.close) socket.end();
        if (!isFlowing) {
          socket.pause();
          socket.once("drain", () => socket.resume());
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    asked,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first whole frame of a client, unmasked. */
function findFrame(bytes: Buffer): { first: number; op: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const short = bytes.readUInt8(1) & 0x7f;
  const sizeLength = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + sizeLength + 4;
  if (bytes.length < start) return undefined;
  const size = sizeLength === 0 ? short : sizeLength === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + size));
  for (let i = 0; i < size; i += 1) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return { first, op: first & 0x0f, payload, length: start + size };
}

/** A frame of a server, which masks nothing. */
function toFrame(first: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.alloc(2) : payload.length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head.writeUInt8(first, 0);
  head.writeUInt8(payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127, 1);
  if (head.length === 4) head.writeUInt16BE(payload.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}
