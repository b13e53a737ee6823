import { guest, tryAll } from "../kit.ts";

/** Turns what the runtime's fetch relies on, so that it takes the way to the network for another one. */
export default guest((_request, env) => {
  const target = `http://127.0.0.1:${env.TRAP}/`;
  const lie = (proto: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(proto, name);
    Object.defineProperty(proto, name, { get: () => value, configurable: true });
    return () => before && Object.defineProperty(proto, name, before);
  };
  const while_ = async (undo: () => unknown, input: any = target) => {
    try {
      const late = new Promise<undefined>((resolve) => setTimeout(resolve, 300));
      return (await Promise.race([fetch(input), late]))?.status;
    } finally {
      undo();
    }
  };
  return tryAll({
    protocol: () => while_(lie(URL.prototype, "protocol", "data:")),
    blobProtocol: () => while_(lie(URL.prototype, "protocol", "blob:")),
    requestUrl: () =>
      while_(lie(Request.prototype, "url", "data:text/plain,x"), new Request(target)).then(
        (status) => status !== 200 && status,
      ),
    constructor: () => {
      const { URL: before } = globalThis;
      (globalThis as any).URL = class {
        protocol = "data:";
        href = target;
      };
      return while_(() => Object.assign(globalThis, { URL: before }));
    },
    file: () => while_(() => {}, "file:///etc/passwd"),
    unix: () => while_(() => {}, "http+unix://%2Fvar%2Frun%2Fdocker.sock/"),
    client: async () => (await fetch(target, { client: {}, dispatcher: {} } as any)).status,
  });
});
