import { guest } from "../kit.ts";

export default guest(() => {
  const { readable, writable } = new TransformStream();
  const response = new Response(readable);
  setTimeout(() => writable.abort(new Error("changed my mind")), 10);
  return response;
});
