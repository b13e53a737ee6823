/**
 * A greeting in Deno style: `Deno.serve` takes the handler, `Deno.env` holds the variables of wrangler.toml.
 *
 *     curl 'http://hello-deno.localhost:8787/?name=Ada&zone=Europe/Berlin'      →  Good morning, Ada.
 *     curl -H 'accept: text/html' 'http://hello-deno.localhost:8787/?name=Ada'  →  the same as a page
 *
 * On Deno: `GREETING=Good deno run --allow-net --allow-env=GREETING main.ts`.
 */

const MAX_NAME_CHARACTERS = 80;
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

Deno.serve((request) => {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Only GET and HEAD\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const query = new URL(request.url).searchParams;
  const hour = findHour(new Date(), query.get("zone") ?? "UTC");
  if (hour === undefined)
    return new Response("zone must be an IANA time zone, such as Europe/Berlin\n", { status: 400 });

  const name = query.get("name")?.trim().slice(0, MAX_NAME_CHARACTERS) || "stranger";
  const greeting = `${Deno.env.get("GREETING") ?? "Good"} ${toTimeOfDay(hour)}, ${name}.`;
  const isPage = request.headers.get("accept")?.includes("text/html") ?? false;
  return new Response(isPage ? toPage(greeting) : `${greeting}\n`, {
    headers: {
      "content-type": `${isPage ? "text/html" : "text/plain"}; charset=utf-8`,
      "cache-control": "no-store",
      vary: "accept",
      "x-content-type-options": "nosniff",
    },
  });
});

/** The hour, 0 to 23, that clocks show in this time zone, or `undefined` for a zone nobody lives in. */
function findHour(now: Date, timeZone: string): number | undefined {
  try {
    return Number(new Intl.DateTimeFormat("en", { hour: "numeric", hourCycle: "h23", timeZone }).format(now));
  } catch {
    return undefined;
  }
}

function toTimeOfDay(hour: number): string {
  if (hour < 5) return "night";
  if (hour < 12) return "morning";
  return hour < 18 ? "afternoon" : "evening";
}

function toPage(text: string): string {
  const escaped = text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Hello</title><h1>${escaped}</h1></html>
`;
}
