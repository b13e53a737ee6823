import { guest } from "../kit.ts";

const custom = Symbol.for("nodejs.util.inspect.custom");
/** What Node's inspect hands to a custom printer must not lead out. */
export default guest(async () => {
  const found: Record<string, unknown> = {};
  const trap = () => {
    throw new Error("trap");
  };
  const hostile = [
    new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap }),
    {
      get a() {
        return trap();
      },
    },
    { toString: trap, valueOf: trap, [Symbol.toPrimitive]: trap, [Symbol.toStringTag]: "x" },
    { [custom]: trap },
  ];
  for (const value of hostile)
    for (const log of [console.log, console.error, console.table, console.dir])
      try {
        log(value);
        log("%s %d %o %j %c", value, value, value, value, value);
      } catch {}
  console.log({
    [custom](_depth: number, options: any, inspect: any) {
      for (const each of [options, inspect, options.stylize]) {
        try {
          if (each.constructor.constructor("return process")()) found.constructor = true;
        } catch {}
        try {
          if (each.caller) found.caller = each.caller;
        } catch {}
      }
      return "printed";
    },
  });
  return Response.json({ escaped: found });
});
