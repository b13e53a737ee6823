import { guest } from "../kit.ts";
import { frame, socket, stream } from "../stolen-socket.ts";

/** As many and as deep as a frame takes, and no fields. */
export default guest(async () => {
  const own = stream;
  await new Promise((resolve) => setTimeout(resolve, 2));
  const head = frame(2, own, JSON.stringify({ status: 200, headers: [] }));
  const trailers = frame(7 | 0x80 | 0x40, own, `${"[".repeat(500_000)}${"]".repeat(500_000)}`);
  socket.write(Buffer.concat([head, frame(3, own, "body"), trailers]));
  return await new Promise(() => {});
});
