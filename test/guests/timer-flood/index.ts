import { guest } from "../kit.ts";

/** An interval for every millisecond, each of which makes more. */
export default guest(() => {
  const more = () => {
    for (let i = 0; i < 100; i++) setInterval(more, 0);
  };
  more();
  return new Promise(() => {});
});
