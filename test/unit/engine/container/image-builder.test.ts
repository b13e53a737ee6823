/** How long a build waits for a registry. Docker is a few lines here, and time passes when the test says so. */

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createImageBuilder } from "../../../../src/engine/container/image-builder.ts";
import { rejectionOf, until } from "../../../support/capabilities.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const signal = new AbortController().signal;

/** A build that Docker has begun, and that says what the test has it say. */
async function startBuild() {
  const dir = await mkdtemp(join(tmpdir(), "nebula-image-builder-"));
  await writeFile(join(dir, "Dockerfile"), "FROM far.test/away\n");
  const building = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.includes("/build?")) building.resolve(response);
    else response.writeHead(404, { "content-type": "application/json" }).end('{"message":"no such image"}');
  });
  const socket = join(dir, "docker.sock");
  await once(server.listen(socket), "listening");
  const clock = createFakeClock();
  const builder = createImageBuilder({ dockerHost: `unix://${socket}`, clock });
  onTestFinished(async () => {
    await builder[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    await rm(dir, { recursive: true, force: true });
  });
  const heard: string[] = [];
  const built = rejectionOf(
    builder.build({
      dir,
      dockerfile: join(dir, "Dockerfile"),
      labels: {},
      signal,
      onOutput: (text) => heard.push(text),
    }),
  );
  const response = await building.promise;
  const say = async (said: object) => {
    response.write(`${JSON.stringify(said)}\n`);
    const count = heard.length;
    await until("the builder has heard it", () => heard.length > count);
  };
  return { built, clock, say, fail: (error: string) => response.end(`${JSON.stringify({ error })}\n`) };
}

test("a registry that says nothing for ten seconds ends the build", async () => {
  const { built, clock, say } = await startBuild();
  await say({ stream: "Step 1/1 : FROM far.test/away" });
  await say({ stream: "\n" });
  clock.pass(10_000);
  const { code, message } = await built;
  expect(code).toBe("NEBULA_BUILD_FAILED");
  expect(message).toMatch(/^Docker cannot build the image: its registry has said nothing for 10 s\nStep 1\/1 : FROM/);
});

test("one that answers, and any other step, may take longer", async () => {
  const { built, clock, say, fail } = await startBuild();
  await say({ stream: "Step 1/2 : FROM far.test/away" });
  clock.pass(9_000);
  await say({ status: "Pulling from far.test/away" });
  clock.pass(60_000);
  await say({ stream: "Step 2/2 : RUN make" });
  clock.pass(60_000);
  fail("make is not there");
  expect((await built).message).toMatch(/make is not there/);
});
