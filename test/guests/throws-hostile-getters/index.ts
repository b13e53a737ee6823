import { guest } from "../kit.ts";

/** Every look at it throws, or never ends. */
const trap = () => {
  throw trap;
};
export default guest(() => {
  throw new Proxy(Object.defineProperties(new Error(), { message: { get: trap }, stack: { get: trap } }), {
    get: trap,
    getPrototypeOf: trap,
    ownKeys: trap,
  });
});
