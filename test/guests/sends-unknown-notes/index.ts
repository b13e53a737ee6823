import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.write(frame(6, 0, JSON.stringify({ note: "shutdown" })));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
