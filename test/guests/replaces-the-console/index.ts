import { guest, isProcess, tryAll } from "../kit.ts";

/** Takes the console apart and looks for the streams behind it. */
export default guest(() =>
  tryAll({
    stdout: () => (console as any)._stdout?.write,
    stderr: () => (console as any)._stderr?.write,
    symbols: () =>
      Object.getOwnPropertySymbols(console)
        .map(String)
        .filter((name) => !name.includes("toStringTag"))
        .join(),
    Console: () => {
      const own = new (console as any).Console({ stdout: { write: () => true } });
      return isProcess(own);
    },
    proto: () => isProcess(Object.getPrototypeOf(console)),
  }),
);
