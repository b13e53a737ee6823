const OwnResponse = Response;
for (const name of Object.getOwnPropertyNames(globalThis))
  if (name !== "globalThis")
    try {
      delete (globalThis as any)[name];
    } catch {}
export default { fetch: () => new OwnResponse("alive") };
