import { guest } from "../kit.ts";
import { frame, socket } from "../stolen-socket.ts";

export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  const note = frame(6, 0, JSON.stringify({ note: "log", level: "log", text: "x".repeat(60_000) }));
  for (let i = 0; i < 2_000; i++) socket.write(note);
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
