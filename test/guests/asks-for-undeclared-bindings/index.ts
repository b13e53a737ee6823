import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  // Its own stream is one of these: how many the host has opened before depends on how often it has looked.
  const parents = Array.from({ length: 32 }, (_, i) => 2 * i + 1);
  const calls = parents.flatMap((parent) =>
    ["SECRET", "__proto__", "constructor", ""].map((binding) => ({
      op: "binding",
      parent,
      binding,
      method: "GET",
      url: "http://x/",
      headers: [],
      redirect: "follow",
    })),
  );
  const odd = [{}, null, [], { op: "load" }, { op: "outbound", parent: {}, url: 7 }, { op: "fetch", url: "http://x/" }];
  let id = 500_000;
  for (const head of [...calls, ...odd]) socket.write(frame(1 | 0x80, (id += 2), JSON.stringify(head)));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
