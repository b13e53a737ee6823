import { guest } from "../kit.ts";

/** A thenable that settles twice, throws afterwards, and resolves with itself. */
export default guest(() => {
  const thenable = {
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    then(resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
      resolve(new Response("first"));
      resolve(new Response("second"));
      reject(new Error("third"));
      throw new Error("fourth");
    },
  };
  return thenable;
});
