/**
 * The secrets of functions on the control port. Values come in and never go out.
 *
 *     GET    /functions/:name/secrets        → SecretList
 *     PUT    /functions/:name/secrets/:key   { "value": "…" } → SecretAnswer
 *     DELETE /functions/:name/secrets/:key   → 204
 *     POST   /secrets/rotate                 → RotateAnswer
 */

import { Hono } from "hono";
import type { Deployer } from "../deploy.ts";
import { NebulaError } from "../model/errors.ts";
import type { Log } from "../model/ports.ts";
import {
  findValueProblem,
  isSecretName,
  MAX_SECRET_BYTES,
  type RotateAnswer,
  type SecretAnswer,
  type SecretList,
  type SecretPlace,
  type SecretValues,
} from "../model/secrets.ts";
import { isRecord } from "../model/shape.ts";
import type { Registry } from "../registry/registry.ts";
import { isFunctionName } from "./deployment-input.ts";
import { invalid, readJson } from "./read-json.ts";

/** What changes and lists them. */
export interface SecretsApiParts {
  readonly deployer: Deployer;
  readonly registry: Registry;
  readonly log: Log;
}

/** JSON may write a byte with six. */
const BODY_LIMIT_BYTES = 6 * MAX_SECRET_BYTES + 1024;

/** Makes the routes, to be mounted below the version of the API. */
export function createSecretsApi({ deployer, registry, log }: SecretsApiParts): Hono {
  const app = new Hono();

  app.get("/functions/:name/secrets", async (c) => {
    const name = toFunctionName(c.req.param("name"));
    return c.json({ secrets: await registry.secrets.list(name) } satisfies SecretList);
  });

  app.put("/functions/:name/secrets/:key", async (c) => {
    const place = toPlace(c.req.param());
    const body = await readJson(c.req.raw, { limitBytes: BODY_LIMIT_BYTES });
    const isServed = await deployer.putSecret(place, toValue(place.name, isRecord(body) ? body.value : undefined));
    log.write("info", "secret put", { function: place.functionName, secret: place.name });
    return c.json({ name: place.name, isServed } satisfies SecretAnswer);
  });

  app.delete("/functions/:name/secrets/:key", async (c) => {
    const place = toPlace(c.req.param());
    const { functionName, name } = place;
    if (!(await deployer.removeSecret(place))) {
      throw new NebulaError(
        "NEBULA_REQUEST_INVALID",
        `Cannot delete the secret "${name}": "${functionName}" has none of this name`,
        { hint: `nebula secret list --name ${functionName} shows those that there are` },
      );
    }
    log.write("info", "secret deleted", { function: functionName, secret: name });
    return c.body(null, 204);
  });

  app.post("/secrets/rotate", async (c) => {
    const secrets = await registry.secrets.rotate();
    log.write("info", "key of secrets rotated", { secrets });
    return c.json({ secrets } satisfies RotateAnswer);
  });

  return app;
}

/**
 * The secrets that come with a deployment, beside what is kept of it.
 *
 * @throws {NebulaError} NEBULA_REQUEST_INVALID for what cannot be one; no message holds a value.
 */
export function parseDeploymentSecrets(body: unknown): { secrets?: SecretValues } {
  const given = isRecord(body) ? body.secrets : undefined;
  if (given === undefined) return {};
  if (!isRecord(given)) throw invalid('"secrets" must be values by name');
  return {
    secrets: Object.fromEntries(Object.entries(given).map(([name, value]) => [toName(name), toValue(name, value)])),
  };
}

function toPlace({ name, key }: { name: string; key: string }): SecretPlace {
  return { functionName: toFunctionName(name), name: toName(key) };
}

function toFunctionName(name: string): string {
  if (isFunctionName(name)) return name;
  throw invalid("its path does not name a function");
}

/** A name that is none may be a value by mistake, and is not repeated. */
function toName(name: string): string {
  if (isSecretName(name)) return name;
  throw invalid("the name of a secret must be an identifier of letters, digits, _ and $, at most 256 characters long");
}

function toValue(name: string, value: unknown): string {
  const problem = findValueProblem(value);
  if (typeof value === "string" && problem === undefined) return value;
  throw invalid(`the secret "${name}" cannot be taken: ${problem}`);
}
