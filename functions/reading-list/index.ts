/**
 * A reading list that is made by asking: its own entry point `Works` by a method, and the function `markdown`, a
 * program in Rust, by a request. Nothing of it leaves the node.
 *
 *     curl 'http://reading-list.localhost:8787/?topic=logic'
 */

import { WorkerEntrypoint } from "cloudflare:workers";

interface Work {
  readonly author: string;
  readonly title: string;
  readonly year: number;
  readonly topics: readonly string[];
}

const WORKS: readonly Work[] = [
  { author: "Ada Lovelace", title: "Notes on the Analytical Engine", year: 1843, topics: ["machines"] },
  { author: "George Boole", title: "An Investigation of the Laws of Thought", year: 1854, topics: ["logic"] },
  { author: "Alan Turing", title: "On Computable Numbers", year: 1936, topics: ["logic", "machines"] },
  { author: "Claude Shannon", title: "A Mathematical Theory of Communication", year: 1948, topics: ["signals"] },
];

/** What other functions may ask: `await env.WORKS.about("logic")`. */
export class Works extends WorkerEntrypoint {
  /** By year where the binding's props say so; all of them without a topic. */
  about(topic: string): readonly Work[] {
    const found = WORKS.filter(({ topics }) => topic === "" || topics.includes(topic));
    return this.ctx.props.order === "year" ? found.toSorted((a, b) => b.year - a.year) : found;
  }

  get topics(): readonly string[] {
    return [...new Set(WORKS.flatMap(({ topics }) => topics))];
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const topic = new URL(request.url).searchParams.get("topic") ?? "";
    const topics = await env.WORKS.topics;
    if (topic !== "" && !topics.includes(topic)) {
      return new Response(`Nothing about that; there is ${topics.join(", ")}\n`, { status: 404 });
    }
    const lines = (await env.WORKS.about(topic)).map(({ author, title, year }) => `- ${author}: *${title}* (${year})`);
    const body = `# ${topic === "" ? "Reading list" : `Reading list: ${topic}`}\n\n${lines.join("\n")}\n`;
    return await env.MARKDOWN.fetch("http://markdown/", { method: "POST", body });
  },
};
