import { guest, tryAll } from "../kit.ts";

export default guest(() => {
  const any = globalThis as any;
  return tryAll({
    BroadcastChannel: () => new any.BroadcastChannel("x"),
    locks: () => any.navigator.locks,
    localStorage: () => any.localStorage,
    sessionStorage: () => any.sessionStorage,
    Storage: () => any.Storage,
    indexedDB: () => any.indexedDB,
    Worker: () => any.Worker,
    SharedWorker: () => any.SharedWorker,
    serviceWorker: () => any.navigator.serviceWorker,
    gc: () => any.gc,
    sharedPort: () => {
      const { port1 } = new MessageChannel();
      return (port1 as any).constructor("x");
    },
  });
});
