import { guest } from "../kit.ts";
import { socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.write(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
