import { guest } from "../kit.ts";

export default guest(
  () =>
    new Response("body", {
      headers: {
        "transfer-encoding": "chunked",
        connection: "close, x-a",
        "keep-alive": "timeout=9",
        upgrade: "h2c",
        trailer: "x",
        te: "trailers",
      },
    }),
);
