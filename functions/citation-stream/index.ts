/**
 * A bibliography that is written while you read it: one JSON object per line, as soon as it has been "found".
 *
 *     curl -N 'http://citation-stream.localhost:8787/?n=5&delay=300'
 *     curl -N -H 'accept: text/event-stream' 'http://citation-stream.localhost:8787/'
 *
 * `n` is the number of entries (1 to 100, default 10), `delay` the milliseconds before each (0 to 2000, default 150).
 * The same `n` gives the same entries. Nothing is written ahead of the reader, and nothing once the reader has left.
 */

const SURNAMES = [
  "Ada",
  "Bramble",
  "Corvid",
  "Dewey",
  "Errata",
  "Footnote",
  "Ibid",
  "Kerning",
  "Opcit",
  "Quill",
] as const;
const OPENINGS = [
  "Towards",
  "Against",
  "Beyond",
  "Rethinking",
  "A brief history of",
  "On the impossibility of",
] as const;
const SUBJECTS = [
  "the empty abstract",
  "coffee as a service",
  "the third reviewer",
  "tabs",
  "n = 1",
  "further work",
] as const;
const JOURNALS = ["J. Unreviewed Results", "Ann. Procrast.", "Proc. Soc. Marginalia", "Acta Footnotica"] as const;

interface Citation {
  readonly number: number;
  readonly authors: string;
  readonly year: number;
  readonly title: string;
  readonly journal: string;
}

export default {
  fetch(request: Request): Response {
    const query = new URL(request.url).searchParams;
    const count = findCount(query.get("n") ?? "10", { min: 1, max: 100 });
    const delayMs = findCount(query.get("delay") ?? "150", { min: 0, max: 2_000 });
    if (count === undefined || delayMs === undefined) {
      const detail = "n must be a whole number from 1 to 100, delay one from 0 to 2000";
      const body = JSON.stringify({ type: "about:blank", title: "Bad Request", status: 400, detail });
      return new Response(body, { status: 400, headers: { "content-type": "application/problem+json" } });
    }

    const isEvents = request.headers.get("accept")?.includes("text/event-stream") ?? false;
    const format = isEvents ? toEvent : toLine;
    return new Response(
      request.method === "HEAD" ? null : streamCitations({ count, delayMs, format, signal: request.signal }),
      {
        headers: {
          "content-type": isEvents ? "text/event-stream" : "application/x-ndjson",
          "cache-control": "no-store",
          vary: "accept",
        },
      },
    );
  },
};

interface StreamOptions {
  readonly count: number;
  readonly delayMs: number;
  readonly format: (citation: Citation) => string;
  readonly signal: AbortSignal;
}

/** Makes one entry per pull, so that a slow reader slows the writer. */
function streamCitations({ count, delayMs, format, signal }: StreamOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  const stop = AbortSignal.any([signal, gone.signal]);
  let number = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        number += 1;
        await wait(delayMs, stop);
        controller.enqueue(encoder.encode(format(toCitation(number))));
        if (number === count) controller.close();
      },
      cancel: () => gone.abort(),
    },
    { highWaterMark: 0 },
  );
}

/** @throws the signal's reason when it aborts first; the timer is then cleared. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", leave);
      resolve();
    }, ms);
    signal.addEventListener("abort", leave, { once: true });
  });
}

/** Walks the lists with steps that share no factor with their lengths: varied, and the same for everyone. */
function toCitation(number: number): Citation {
  const pick = (list: readonly string[], step: number, ahead = 0) => list[(number * step + ahead) % list.length] ?? "";
  return {
    number,
    authors: `${pick(SURNAMES, 3)} & ${pick(SURNAMES, 3, 4)} et al.`,
    year: 1950 + ((number * 29) % 76),
    title: `${pick(OPENINGS, 5)} ${pick(SUBJECTS, 7)}`,
    journal: pick(JOURNALS, 3),
  };
}

function toLine(citation: Citation): string {
  return `${JSON.stringify(citation)}\n`;
}

function toEvent(citation: Citation): string {
  return `id: ${citation.number}\nevent: citation\ndata: ${JSON.stringify(citation)}\n\n`;
}

function findCount(text: string, { min, max }: { min: number; max: number }): number | undefined {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return count >= min && count <= max ? count : undefined;
}
