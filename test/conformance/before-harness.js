// What a web platform test finds in its global scope before the harness, in bare Node and in a function alike.
// `wpt` comes from the entry: { url, timeoutMs }. The names made here are used by the script after the harness.
const { url: wptUrl } = globalThis.wpt;
const wpt = { ...globalThis.wpt, setTimeout: globalThis.setTimeout, done: Promise.withResolvers() };
delete globalThis.wpt;
globalThis.wptResult = wpt.done.promise;
globalThis.self ??= globalThis;
globalThis.GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false };
globalThis.location = new URL(wptUrl);
globalThis.META_TITLE = wptUrl;
// A test's own scope has a base for relative addresses; here only fetch gets one.
globalThis.fetch = new Proxy(globalThis.fetch, {
  apply: (target, self, [input, ...rest]) => {
    const isRelative = typeof input === "string" && !URL.canParse(input) && URL.canParse(input, wptUrl);
    return Reflect.apply(
      target,
      self,
      input === undefined ? [] : [isRelative ? new URL(input, wptUrl).href : input, ...rest],
    );
  },
});
