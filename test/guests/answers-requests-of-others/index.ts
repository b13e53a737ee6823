import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  // A second answer for a stream, the first of which is the only one the host waits for.
  const head = JSON.stringify({ status: 200, headers: [] });
  for (let id = 1; id < 40; id += 2) socket.write(Buffer.concat([frame(2, id, head), frame(2, id, head)]));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
