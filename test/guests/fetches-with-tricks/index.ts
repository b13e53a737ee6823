import { guest, tryAll } from "../kit.ts";

/** Other ways to a socket than the global fetch. */
export default guest((request, env) => {
  const url = `http://127.0.0.1:${env.TRAP}/`;
  const any = globalThis as any;
  return tryAll({
    WebSocket: () => new any.WebSocket(`ws://127.0.0.1:${env.TRAP}/`),
    EventSource: () => new any.EventSource(url),
    WebSocketStream: () => new any.WebSocketStream(url),
    XMLHttpRequest: () => {
      const x = new any.XMLHttpRequest();
      x.open("GET", url);
      x.send();
      return x;
    },
    requestClass: async () => (await fetch(new Request(url, { method: "POST", body: "x" }))).status,
    subclass: async () =>
      (
        await fetch(
          new (class extends Request {
            override get url() {
              return "http://allowed.example/";
            }
          })(url),
        )
      ).status,
    dispatcher: async () =>
      (
        await fetch(url, {
          dispatcher: {
            dispatch: () => {
              throw new Error("own");
            },
          },
        } as any)
      ).status,
    redirected: async () => (await fetch("http://allowed.example/", { redirect: "follow" })).status,
    sendBeacon: () => (navigator as any).sendBeacon(url, "x"),
    caches: () => any.caches.default.add(url),
    connect: () => any.connect({ hostname: "127.0.0.1", port: env.TRAP }),
    deno: () => any.Deno.connect({ port: env.TRAP }),
    ownHost: async () => (await fetch(request.url)).status,
    wasmStreaming: () => WebAssembly.compileStreaming(fetch(url)),
    dataUrlRedirect: async () => {
      const answer = await fetch("data:text/html,<meta http-equiv=refresh>");
      return answer.redirected;
    },
  });
});
