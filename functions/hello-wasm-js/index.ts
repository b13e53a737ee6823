/** A fetch handler that runs inside WebAssembly: each request in an instance of its own, begun where the top level ended. */

/** Made once, when the function is built. */
const greetings = new Map([
  ["de", "Hallo"],
  ["en", "Hello"],
  ["fr", "Bonjour"],
]);

interface Env {
  readonly FROM?: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const language = url.searchParams.get("in") ?? "en";
    const greeting = greetings.get(language);
    if (greeting === undefined) return Response.json({ error: `no greeting in "${language}"` }, { status: 404 });
    const name = request.method === "POST" ? (await request.text()).trim() : url.searchParams.get("name");
    return new Response(`${greeting}, ${name || "world"}, from ${env.FROM ?? "JavaScript in WebAssembly"}\n`);
  },
};
