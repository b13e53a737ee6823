/**
 * Every misbehaviour of `test/guests/`, one by one, beside a function that must not notice.
 */

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { NebulaError } from "../../src/model/errors.ts";
import type { RuntimeName } from "../../src/model/function.ts";
import type { Capabilities } from "../../src/model/ports.ts";
import { ask, askText, bytesOf, noCapabilities } from "../support/capabilities.ts";
import { answering } from "../support/guest-source.ts";
import {
  type Expectation,
  endlessBody,
  type HostileGuest,
  openTrap,
  readHostileGuests,
  type Trap,
} from "../support/hostile-guests.ts";
import { type IsolateLab, openIsolateLab } from "../support/isolate-lab.ts";

/** How a request ended. */
interface Outcome {
  readonly status?: number;
  readonly bytes?: Buffer;
  readonly error?: NebulaError;
}

/** What a guest is started with. */
interface GuestPlace {
  readonly lab: IsolateLab;
  readonly trap: Trap;
}

const signal = new AbortController().signal;
const capabilities: Capabilities = {
  ...noCapabilities,
  binding: async () => ({ head: { status: 200, headers: [] }, body: Buffer.from("thing") }),
};

async function request(
  instance: Instance,
  { expected, log }: { expected: Expectation; log: string[] },
): Promise<Outcome> {
  let status: number | undefined;
  try {
    const { head, body, settled } = await ask(instance, {
      ...(expected.request && { method: expected.request.method, body: endlessBody() }),
      onLog: (_, text) => log.push(text),
    });
    status = head.status;
    const bytes = await bytesOf(body);
    await settled;
    return { status, bytes };
  } catch (error) {
    if (error instanceof NebulaError) return { error, ...(status !== undefined && { status }) };
    throw error;
  }
}

function check({ status, bytes, error }: Outcome, expected: Expectation): void {
  if (expected.any) return;
  const text = bytes?.toString();
  if (expected.code === undefined) expect(error).toBeUndefined();
  else expect([expected.code].flat()).toContain(error?.code);
  if (expected.message !== undefined) expect(error?.message).toContain(expected.message);
  // A body that fails at once takes its head with it.
  if (status !== undefined || error === undefined) expect(status).toBe(expected.status);
  if (typeof expected.body === "string") expect(text).toBe(expected.body);
  else if (expected.body !== undefined) expect(JSON.parse(text ?? "")).toEqual(expected.body);
  if (expected.bodyEnds !== undefined) expect(text?.endsWith(expected.bodyEnds)).toBe(true);
  if (expected.bodyBytes !== undefined) expect(bytes?.byteLength).toBe(expected.bodyBytes);
}

async function start({ dir, name, expected }: HostileGuest, { lab, trap }: GuestPlace): Promise<Instance> {
  const { limits, flags } = expected;
  const vars = { TRAP: trap.port, TRAP_SOCKET: trap.socketPath };
  const deployment = await lab.buildFolder(dir, {
    name,
    vars,
    services: ["THING"],
    ...(limits && { limits }),
    ...(flags && { flags }),
  });
  const prepared = await lab.engine.prepare(deployment, { signal, capabilities, isProven: false });
  const instance = await prepared.start({ signal });
  onTestFinished(() => instance[Symbol.asyncDispose]());
  return instance;
}

async function misbehave(guest: HostileGuest, place: GuestPlace): Promise<void> {
  const { expected } = guest;
  const instance = await start(guest, place).catch((error: unknown) => {
    if (!(error instanceof NebulaError)) throw error;
    return error;
  });
  if (instance instanceof NebulaError) return check({ error: instance }, expected);
  const log: string[] = [];
  for (let left = expected.times ?? 1; left > 0; left--) {
    const outcome = await request(instance, { expected, log });
    if (left === 1 || expected.each) check(outcome, expected);
  }
  if (expected.ends !== undefined) expect((await instance.ended)?.code).toBe(expected.ends);
  if (expected.alive) expect(await askText(instance, { path: "/alive" })).toBe("alive");
  if (expected.logBytesMax !== undefined) expect(log.join("").length).toBeLessThan(expected.logBytesMax);
}

/** Registers all of them for one runtime. */
export async function hostileGuests(title: string, runtime: RuntimeName): Promise<void> {
  const lab = await openIsolateLab({ runtime });
  const trapDir = await mkdtemp(join(tmpdir(), "nebula-trap-"));
  // Guests have a user of their own: a door that is open to everybody is a better trap.
  await chmod(trapDir, 0o777);
  const trap = await openTrap(trapDir);
  await chmod(trap.socketPath, 0o777);
  const wellBehaved = await lab.engine.prepare(await lab.build(answering("() => new Response('ok')")), {
    signal,
    capabilities,
    isProven: false,
  });
  const neighbour = await wellBehaved.start({ signal });

  afterAll(async () => {
    await neighbour[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
    await trap[Symbol.asyncDispose]();
    await rm(trapDir, { recursive: true, force: true });
  });

  describe(title, () => {
    for (const guest of readHostileGuests(runtime)) {
      it(`${guest.name.replaceAll("-", " ")}, and nobody else notices`, async () => {
        const caughtBefore = trap.caught;
        await misbehave(guest, { lab, trap });
        expect(trap.caught).toBe(caughtBefore);
        expect(await askText(neighbour)).toBe("ok");
      });
    }
  });
}
