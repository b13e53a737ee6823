/**
 * Runs a program on requests whose answers are known to be the same each time: to see that it answers, to see how
 * fast, and to make it hot.
 */

import { hash } from "node:crypto";
import { readBody } from "../../frames/read-body.ts";
import type { Body, ResponseHead } from "../../model/exchange.ts";
import type { ProofRequest } from "../../model/function.ts";
import type { Program } from "./program.guest.ts";
import type { ProveAnswer, ProveHead } from "./protocol.ts";

/** Asks each request once and tells the answers, then all in turn, and tells the times. Rejects as the program does. */
export async function proveProgram(program: Program, { requests, rounds, limitMs }: ProveHead): Promise<ProveAnswer> {
  const startedMs = performance.now();
  const answers: string[] = [];
  for (const request of requests) answers.push(toText(await ask(program, request)));
  const firstMs = (performance.now() - startedMs) / Math.max(1, requests.length);
  const times: number[] = [];
  for (let i = 0; i < rounds && requests.length > 0 && performance.now() - startedMs < limitMs; i++) {
    const request = requests[i % requests.length];
    const beforeMs = performance.now();
    if (request !== undefined) await ask(program, request);
    times.push(performance.now() - beforeMs);
  }
  const { grownToBytes } = program;
  const grown = grownToBytes === undefined ? {} : { grownToBytes };
  return { answers, firstMs, ...summarise(times.length > 0 ? times : [firstMs]), ...grown };
}

function summarise(times: number[]): Pick<ProveAnswer, "medianMs" | "meanMs" | "p99Ms"> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { medianMs: at(0.5), meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length, p99Ms: at(0.99) };
}

/** An answer and its body, read. */
interface Asked {
  readonly head: ResponseHead;
  readonly content: Uint8Array;
}

function toText({ head, content }: Asked): string {
  return `${head.status} ${JSON.stringify(head.headers)} ${hash("sha256", content, "hex")}`;
}

async function ask(program: Program, { method, path, body }: ProofRequest): Promise<Asked> {
  const head = { method, url: `http://localhost${path}`, headers: [] };
  const bytes: Body = body === undefined ? null : new TextEncoder().encode(body);
  const answer = await program.answer(head, {
    signal: new AbortController().signal,
    takeBody: () => bytes,
    hold: () => {},
    log: () => {},
    reach: () => {
      throw new TypeError("Cannot call out: nothing is reached during a proof");
    },
  });
  return { head: answer.head, content: await readBody(answer.body) };
}
