import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  for (let id = 1; id < 100; id += 2) socket.write(frame(3 | 0x40, id, ""));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
