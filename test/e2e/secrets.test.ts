/**
 * Secrets through the control API of a whole node: what functions see, and where nobody sees them.
 */

import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DeployTarget } from "../../src/deploy.ts";
import { MAX_SECRET_BYTES, MAX_SECRETS } from "../../src/model/secrets.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { findLeaks, TELLS_ENV, toSpellings } from "../support/secret-probe.ts";

const VALUE = "s3cr3t-value-that-nobody-else-has-Ünïque";
const OTHER = "an0ther-value-that-nobody-else-has";
const place = (name: string, functionName = "shop") => ({ functionName, name });

let node: TestNode;

beforeEach(async () => {
  node = await openTestNode();
});

afterEach(async () => {
  await node.close();
});

const readEnv = async (name = "shop") => await (await fetch(`${node.dataUrl}/fn/${name}/`)).json();

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${node.controlUrl}${path}`, { ...init, headers: { authorization: `Bearer ${node.token}` } });

const required = (...names: string[]) => ({ bindings: names.map((name) => ({ type: "secret", name }) as const) });

/** Deploys, and gives these with it. */
const withSecrets = (secrets: Record<string, string>): DeployTarget => ({
  missing: (digests, options) => node.client.missing(digests, options),
  put: (digest, source, options) => node.client.put(digest, source, options),
  deploy: (input, options) => node.client.deploy(input, { ...options, secrets }),
});

describe("a secret", () => {
  test("is in env at once, changes at once, and is gone at once", async () => {
    await node.deploy("shop", TELLS_ENV);
    expect(await node.client.putSecret(place("TOKEN"), VALUE)).toEqual({ name: "TOKEN", isServed: true });
    expect(await readEnv()).toEqual({ TOKEN: VALUE });
    await node.client.putSecret(place("TOKEN"), OTHER);
    await node.client.putSecret(place("SECOND"), VALUE);
    expect(await readEnv()).toEqual({ TOKEN: OTHER, SECOND: VALUE });
    await node.client.removeSecret(place("TOKEN"));
    expect(await readEnv()).toEqual({ SECOND: VALUE });
    expect(await node.client.listSecrets("shop")).toEqual([{ name: "SECOND", changedAtMs: expect.any(Number) }]);
  });

  test("stands beside variables, outlives deployments and restarts, and goes with its function", async () => {
    const vars = { bindings: [{ type: "var", name: "WORD", value: { a: 1 } }] as const };
    await node.deploy("shop", TELLS_ENV, vars);
    await node.client.putSecret(place("TOKEN"), VALUE);
    await node.deploy("shop", `${TELLS_ENV}// again`, vars);
    expect(await readEnv()).toEqual({ WORD: { a: 1 }, TOKEN: VALUE });
    await node.restart();
    expect(await readEnv()).toEqual({ WORD: { a: 1 }, TOKEN: VALUE });
    await node.client.removeFunction("shop");
    expect(await node.client.listSecrets("shop")).toEqual([]);
    await node.deploy("shop", TELLS_ENV, vars);
    expect(await readEnv()).toEqual({ WORD: { a: 1 } });
  });

  test("belongs to one function alone", async () => {
    await node.deploy("shop", TELLS_ENV);
    await node.deploy("bank", TELLS_ENV);
    await node.client.putSecret(place("TOKEN"), VALUE);
    expect(await readEnv("bank")).toEqual({});
    expect(await node.client.listSecrets("bank")).toEqual([]);
  });

  test("may be put before its function is there", async () => {
    expect(await node.client.putSecret(place("TOKEN"), VALUE)).toEqual({ name: "TOKEN", isServed: false });
    await node.deploy("shop", TELLS_ENV, required("TOKEN"));
    expect(await readEnv()).toEqual({ TOKEN: VALUE });
  });

  test("that is required and missing keeps a deployment from being activated, all of them named at once", async () => {
    await node.deploy("shop", TELLS_ENV);
    await node.client.putSecret(place("B"), VALUE);
    await expect(node.deploy("shop", TELLS_ENV, required("A", "B", "C"))).rejects.toMatchObject({
      code: "NEBULA_CONFIG_INVALID",
      message: 'Cannot use "shop": it has no value for its secrets "A", "C"',
      hint: expect.stringContaining("nebula secret put <key> --name shop"),
    });
    expect(await readEnv()).toEqual({ B: VALUE });
    expect((await node.client.getFunction("shop")).deployments).toHaveLength(1);
  });

  test("that is required cannot be deleted, but changed", async () => {
    await node.client.putSecret(place("TOKEN"), VALUE);
    await node.deploy("shop", TELLS_ENV, required("TOKEN"));
    await expect(node.client.removeSecret(place("TOKEN"))).rejects.toMatchObject({
      code: "NEBULA_CONFIG_INVALID",
      message: 'Cannot delete the secret "TOKEN": the configuration of "shop" requires it',
    });
    await node.client.putSecret(place("TOKEN"), OTHER);
    expect(await readEnv()).toEqual({ TOKEN: OTHER });
  });

  test("cannot have the name of another binding, whichever comes first", async () => {
    const vars = { bindings: [{ type: "var", name: "WORD", value: "open" }] as const };
    await node.deploy("shop", TELLS_ENV, vars);
    const taken = {
      code: "NEBULA_CONFIG_INVALID",
      message: 'Cannot use the secret "WORD" of "shop": a binding of type "var" has this name already',
    };
    await expect(node.client.putSecret(place("WORD"), VALUE)).rejects.toMatchObject(taken);
    expect(await readEnv()).toEqual({ WORD: "open" });
    await node.client.putSecret(place("WORD", "bank"), VALUE);
    await expect(node.deploy("bank", TELLS_ENV, vars)).rejects.toMatchObject({ code: "NEBULA_CONFIG_INVALID" });
  });

  test("that a function does not start with changes nothing", async () => {
    const source = `import { env } from "cloudflare:workers";\nif (env.MODE === "bad") throw new Error("no");\n${TELLS_ENV}`;
    await node.deploy("shop", source);
    await node.client.putSecret(place("MODE"), "good");
    await expect(node.client.putSecret(place("MODE"), "bad")).rejects.toMatchObject({ code: "NEBULA_PREPARE_FAILED" });
    expect(await readEnv()).toEqual({ MODE: "good" });
    await node.restart();
    expect(await readEnv()).toEqual({ MODE: "good" });
  });

  test("changes between requests, never within one, and no request is lost", async () => {
    await node.deploy(
      "shop",
      `export default { async fetch(_, env) {
        const before = env.TOKEN;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return new Response(before === env.TOKEN ? before : "torn");
      } };`,
    );
    await node.client.putSecret(place("TOKEN"), "0");
    const seen: string[] = [];
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        const response = await fetch(`${node.dataUrl}/fn/shop/`);
        expect(response.status).toBe(200);
        seen.push(await response.text());
      }
    };
    const asking = Promise.all([ask(), ask(), ask()]);
    for (let i = 1; i <= 5; i += 1) {
      await node.client.putSecret(place("TOKEN"), String(i));
      expect(await (await fetch(`${node.dataUrl}/fn/shop/`)).text()).toBe(String(i));
    }
    isOver = true;
    await asking;
    expect(seen).not.toContain("torn");
  });

  test("may be one of as many as there can be, each as long as it can be", async () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_SECRETS }, (_, i) => [`SECRET_${i}`, String(i).padEnd(MAX_SECRET_BYTES, "x")]),
    );
    await node.deploy("shop", TELLS_ENV, { target: withSecrets(many) });
    expect(await readEnv()).toEqual(many);
    await expect(node.client.putSecret(place("ONE_MORE"), "1")).rejects.toMatchObject({
      code: "NEBULA_CONFIG_INVALID",
    });
    expect(await readEnv()).toEqual(many);
  });

  test("comes with a deployment when given there, and takes the place of all that were", async () => {
    await node.client.putSecret(place("OLD"), VALUE);
    await node.deploy("shop", TELLS_ENV, { target: withSecrets({ NEW: VALUE }), ...required("NEW") });
    expect(await readEnv()).toEqual({ NEW: VALUE });
    const again = await node.deploy("shop", TELLS_ENV, { target: withSecrets({ NEW: VALUE }), ...required("NEW") });
    expect(again.isNew).toBe(false);
    const changed = await node.deploy("shop", TELLS_ENV, { target: withSecrets({ NEW: OTHER }), ...required("NEW") });
    expect(changed).toMatchObject({ isNew: true, deployment: { id: again.deployment.id } });
    expect(await readEnv()).toEqual({ NEW: OTHER });
    expect(await node.client.listSecrets("shop")).toHaveLength(1);
    await node.restart();
    expect(await readEnv()).toEqual({ NEW: OTHER });
  });
});

describe("the control API", () => {
  test("refuses what is no value", async () => {
    const cases: [body: string, status: number][] = [
      ["{", 400],
      ["{}", 400],
      ['{"value":1}', 400],
      ['{"value":"\\ud800"}', 400],
      ['{"value":"a\\u0000b"}', 400],
      [JSON.stringify({ value: "ä".repeat(MAX_SECRET_BYTES / 2 + 1) }), 400],
      [JSON.stringify({ value: "x".repeat(100_000) }), 413],
    ];
    for (const [body, status] of cases) {
      const response = await ask("/v1/functions/shop/secrets/TOKEN", { method: "PUT", body });
      expect([body.slice(0, 30), response.status]).toEqual([body.slice(0, 30), status]);
    }
    expect(await node.client.listSecrets("shop")).toEqual([]);
  });

  test("takes as many bytes as Cloudflare does", async () => {
    const value = "ä".repeat(MAX_SECRET_BYTES / 2);
    await node.deploy("shop", TELLS_ENV);
    await node.client.putSecret(place("TOKEN"), value);
    expect(await readEnv()).toEqual({ TOKEN: value });
  });

  test("refuses what is no name", async () => {
    const put = async (path: string) => (await ask(path, { method: "PUT", body: '{"value":"x"}' })).status;
    for (const name of ["1A", "A-B", "A%20B", "__proto__", "a".repeat(257), "%F0%9F%98%80"])
      expect([name, await put(`/v1/functions/shop/secrets/${name}`)]).toEqual([name, 400]);
    expect(await put("/v1/functions/No/secrets/A")).toBe(400);
  });

  test("lets nobody in without the token", async () => {
    for (const [method, path] of [
      ["GET", "/v1/functions/shop/secrets"],
      ["PUT", "/v1/functions/shop/secrets/A"],
      ["DELETE", "/v1/functions/shop/secrets/A"],
      ["POST", "/v1/secrets/rotate"],
    ]) {
      expect((await fetch(node.controlUrl + path, { method: method ?? "" })).status).toBe(401);
    }
  });

  test("says so when there is nothing to delete", async () => {
    await expect(node.client.removeSecret(place("TOKEN"))).rejects.toMatchObject({ code: "NEBULA_REQUEST_INVALID" });
  });

  test("rotates the key while functions serve", async () => {
    await node.deploy("shop", TELLS_ENV);
    await node.client.putSecret(place("TOKEN"), VALUE);
    expect(await node.client.rotateSecrets()).toEqual({ secrets: 1 });
    expect(await readEnv()).toEqual({ TOKEN: VALUE });
    await node.restart();
    expect(await readEnv()).toEqual({ TOKEN: VALUE });
  });
});

describe("keys and rows that are not as they were", () => {
  const keyFile = () => join(node.stateDir, "secrets.key");
  const restoreErrors = () =>
    node.lines.filter(({ msg }) => msg === "function not restored").map(({ fields }) => fields);

  beforeEach(async () => {
    await node.deploy("shop", TELLS_ENV);
    await node.deploy("plain", TELLS_ENV);
    await node.client.putSecret(place("TOKEN"), VALUE);
  });

  test("cost the functions that need them, with words for it, until the key is back", async () => {
    await rename(keyFile(), `${keyFile()}.away`);
    await node.restart();
    expect(await readEnv("plain")).toEqual({});
    expect((await fetch(`${node.dataUrl}/fn/shop/`)).status).toBe(404);
    expect(restoreErrors()).toMatchObject([{ function: "shop", code: "NEBULA_STATE_FAILED" }]);
    await rename(`${keyFile()}.away`, keyFile());
    await node.restart();
    expect(await readEnv()).toEqual({ TOKEN: VALUE });
  });

  test("are made good by deleting and putting again when the key is lost", async () => {
    await rm(keyFile());
    await node.restart();
    await expect(node.client.putSecret(place("TOKEN"), OTHER)).rejects.toMatchObject({ code: "NEBULA_STATE_FAILED" });
    await node.client.removeSecret(place("TOKEN"));
    expect(await node.client.putSecret(place("TOKEN"), OTHER)).toEqual({ name: "TOKEN", isServed: true });
    expect(await readEnv()).toEqual({ TOKEN: OTHER });
  });

  test("are made good by putting again when a row was changed", async () => {
    using db = new DatabaseSync(join(node.stateDir, "registry.db"));
    db.exec("UPDATE secrets SET sealed = zeroblob(60)");
    db.close();
    await expect(node.client.putSecret(place("SECOND"), OTHER)).rejects.toMatchObject({ code: "NEBULA_STATE_FAILED" });
    await node.client.putSecret(place("TOKEN"), OTHER);
    expect(await readEnv()).toEqual({ TOKEN: OTHER });
  });

  test("keep the node from starting when others may read the keys", async () => {
    await chmod(keyFile(), 0o644);
    await expect(node.restart()).rejects.toMatchObject({
      code: "NEBULA_STATE_FAILED",
      hint: expect.stringContaining("chmod 600"),
    });
    await chmod(keyFile(), 0o600);
    await node.restart();
  });
});

describe("nobody sees", () => {
  test("a secret in the state, in the log, in an answer or in an error", async () => {
    const values = [VALUE, OTHER];
    const answers: string[] = [];
    const note = async (response: Promise<Response>) => {
      const got = await response;
      answers.push(`${[...got.headers].join()} ${await got.text()}`);
    };
    const noteFailure = async (failing: Promise<unknown>) => {
      const error = await failing.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(Error);
      for (let one = error; one instanceof Error; one = one.cause)
        answers.push(`${one.stack} ${JSON.stringify({ ...one })}`);
    };
    await node.deploy("shop", "export default { fetch: (_, env) => new Response(String(env.TOKEN.length)) };");
    await node.client.putSecret(place("TOKEN"), VALUE);
    await note(ask("/v1/functions/shop/secrets/TOKEN", { method: "PUT", body: JSON.stringify({ value: OTHER }) }));
    await note(ask("/v1/functions/shop/secrets/TOKEN", { method: "PUT", body: JSON.stringify({ value: [VALUE] }) }));
    await note(ask("/v1/functions/shop/secrets/TOKEN", { method: "PUT", body: `{"value":"${VALUE}"` }));
    await note(ask(`/v1/functions/shop/secrets/${VALUE}`, { method: "PUT", body: `{"value":"${VALUE}"}` }));
    await note(ask("/v1/functions/shop/secrets/TOKEN"));
    await note(
      ask("/v1/deployments", {
        method: "POST",
        body: JSON.stringify({ spec: {}, secrets: { "A-B": VALUE, C: [OTHER] } }),
      }),
    );
    for (const path of ["/v1/functions/shop/secrets", "/v1/functions", "/v1/functions/shop", "/v1/node", "/v1/top"])
      await note(ask(path));
    await note(ask("/v1/functions/shop/explain"));
    await note(fetch(`${node.dataUrl}/fn/shop/`));
    const bound = { bindings: [{ type: "var", name: "TOKEN", value: "1" }] as const };
    await noteFailure(node.deploy("shop", TELLS_ENV, bound));
    await noteFailure(node.deploy("shop", "export default { fetch(", bound));
    await noteFailure(node.deploy("shop", 'throw new Error("no");'));
    await node.client.rotateSecrets();
    await writeFile(join(node.stateDir, "secrets.key"), "{", { mode: 0o600 });
    await noteFailure(node.client.putSecret(place("SECOND"), VALUE));
    await noteFailure(node.client.rotateSecrets());
    await node.restart();

    const said = [...answers, JSON.stringify(node.lines)].join("\n");
    expect(said.length).toBeGreaterThan(1_000);
    expect(toSpellings(values).filter((text) => said.includes(text))).toEqual([]);
    expect(await findLeaks(node.stateDir, values)).toEqual([]);
  });
});
