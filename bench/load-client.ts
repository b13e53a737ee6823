/**
 * The load generator for machines without wrk: a process of its own with keep-alive connections, one request at a
 * time on each. Arguments: URL, connections, milliseconds. Prints the lines that load.ts reads.
 */

import { connect } from "node:net";
import { findQuantile } from "./stats.ts";

const [address = "", connections = "1", durationMs = "1000"] = process.argv.slice(2);
const url = new URL(address);
const request = Buffer.from(`GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`);
const endMs = performance.now() + Number(durationMs);
const latenciesUs: number[] = [];
let errors = 0;

/** Keeps one connection busy until the time is up. Answers are small: they are over when as long as the first. */
function keepBusy(): void {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  let sentMs = 0;
  let pending = "";
  const send = () => {
    if (performance.now() >= endMs) {
      socket.end();
      return;
    }
    sentMs = performance.now();
    socket.write(request);
  };
  socket.once("connect", send);
  socket.on("data", (chunk) => {
    pending += chunk.toString("latin1");
    if (!isWhole(pending)) return;
    latenciesUs.push((performance.now() - sentMs) * 1_000);
    if (!pending.startsWith("HTTP/1.1 200")) errors += 1;
    pending = "";
    send();
  });
  socket.once("error", () => {
    errors += 1;
    if (performance.now() < endMs) keepBusy();
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined ? /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(text) : text.length >= end + 4 + Number(length);
}

const startMs = performance.now();
for (let i = 0; i < Number(connections); i++) keepBusy();

process.once("beforeExit", () => {
  const sorted = Float64Array.from(latenciesUs).sort();
  console.log(`bench requests ${sorted.length}`);
  console.log(`bench duration_us ${Math.round((performance.now() - startMs) * 1_000)}`);
  console.log(`bench errors ${errors}`);
  const shares = [
    ...Array.from({ length: 198 }, (_, step) => step / 200),
    ...Array.from({ length: 101 }, (_, step) => (9_900 + step) / 10_000),
  ];
  for (const share of shares)
    console.log(`bench quantile ${share.toFixed(4)} ${findQuantile(sorted, share).toFixed(1)}`);
});
