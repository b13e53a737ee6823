import { guest, tryAll } from "../kit.ts";

export default guest(() =>
  tryAll({
    eval: () => eval("1"),
    indirectEval: () => (0, eval)("1"),
    aliasedEval: () => [1].map(eval as any)[0] === 1 && globalThis.eval("2"),
    Function: () => new Function("return 1")(),
    constructor: () => (() => {}).constructor("return 1")(),
    async: () => (async () => {}).constructor("return 1")(),
    generator: () => function* () {}.constructor("yield 1")().next().value,
    asyncGenerator: async () => (await async function* () {}.constructor("yield 1")().next()).value,
    reflect: () => Reflect.construct(Function, ["return 1"])(),
    timer: () => {
      (globalThis as any).ran = 0;
      setTimeout("ran = 1" as any, 0);
      return new Promise((resolve) => setTimeout(() => resolve((globalThis as any).ran), 20));
    },
    interval: () => {
      setInterval("ran = 1" as any, 0);
      return "set";
    },
    shadowRealm: () => new (globalThis as any).ShadowRealm().evaluate("1"),
    importData: () => {
      const specifier = "data:text/javascript,export default 1";
      return import(specifier);
    },
    worker: () => new (globalThis as any).Worker("data:text/javascript,1"),
    importScripts: () => (globalThis as any).importScripts("data:text/javascript,1"),
  }),
);
