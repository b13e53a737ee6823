import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  for (let id = 1; id < 100; id += 2) socket.write(frame(7 | 0x80, id, '["x-a","b"]'));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
