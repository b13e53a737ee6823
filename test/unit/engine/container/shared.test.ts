import { describe, expect, test } from "vitest";
import { Shared } from "../../../../src/engine/container/shared.ts";

describe("Shared", () => {
  test("does its work once for all who want it", async () => {
    let count = 0;
    const shared = new Shared(async () => ++count);
    expect(await Promise.all([shared.get(), shared.get()])).toEqual([1, 1]);
    expect(await shared.get()).toBe(1);
  });

  test("does it again after it has failed, or was forgotten", async () => {
    let count = 0;
    const shared = new Shared(async () => {
      count += 1;
      if (count === 1) throw new Error("not yet");
      return count;
    });
    await expect(shared.get()).rejects.toThrow("not yet");
    expect(await shared.get()).toBe(2);
    shared.forget();
    expect(await shared.get()).toBe(3);
  });

  test("goes on for the others when one of them gives up", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const shared = new Shared(() => promise);
    const stop = new AbortController();
    const impatient = shared.get({ signal: stop.signal });
    const patient = shared.get();
    stop.abort();
    await expect(impatient).rejects.toMatchObject({ code: "NEBULA_START_FAILED" });
    resolve("done");
    expect([await patient, await shared.get()]).toEqual(["done", "done"]);
  });

  test("begins anew when it fails with nobody there to hear it", async () => {
    const works = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const shared = new Shared(() => works.shift()?.promise ?? Promise.reject(new Error("no more work")));
    const [first, second] = works;
    await expect(shared.get({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "NEBULA_START_FAILED" });
    first?.reject(new Error("unheard"));
    await first?.promise.catch(() => {});
    second?.resolve("done");
    expect(await shared.get()).toBe("done");
  });
});
