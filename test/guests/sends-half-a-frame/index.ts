import { guest } from "../kit.ts";
import { socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.write(Buffer.from([0, 0, 1, 0, 3, 0, 0]));
  socket.end();
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
