import { guest } from "../kit.ts";
import { socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
