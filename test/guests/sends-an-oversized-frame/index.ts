import { guest } from "../kit.ts";
import { socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  const head = Buffer.alloc(9);
  head.writeUInt32BE(0xffff_ffff, 0);
  head[4] = 3;
  socket.write(head);
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
