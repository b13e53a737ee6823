import { guest } from "../kit.ts";
import { frame, socket, stream } from "../stolen-socket.ts";

/** Whole answers of its own, behind the back of the bootstrap: nothing may come after what ends a body. */
export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  const head = frame(2, stream, JSON.stringify({ status: 200, headers: [] }));
  const trailers = frame(7 | 0x80, stream, '["x-a","b"]');
  socket.write(Buffer.concat([head, trailers, trailers, frame(3, stream, "more")]));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
