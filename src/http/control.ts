/**
 * The control port: what an operator asks of a node, as a Hono app. Everything needs the node's token.
 *
 * The shapes of the answers are in model/control.ts.
 */

import { timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Backups } from "../backup-state.ts";
import type { Deployer } from "../deploy.ts";
import type { LiveFunction } from "../live-function.ts";
import type { Migrator } from "../migrate.ts";
import { type Digest, isDigest, MAX_ARCHIVE_BYTES } from "../model/artifact.ts";
import type { DeploymentSummary, NodeStatus } from "../model/control.ts";
import type { Databases } from "../model/databases.ts";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import type { Log, Resource } from "../model/ports.ts";
import { isRecord } from "../model/shape.ts";
import type { DeploymentRecord } from "../registry/from-row.ts";
import type { Registry } from "../registry/registry.ts";
import type { RouteEntry } from "../router/route-table.ts";
import type { Router } from "../router/router.ts";
import { createBackupApi } from "./backup-api.ts";
import { createD1Api, type DatabaseSnapshot } from "./d1-api.ts";
import { parseDeploymentInput } from "./deployment-input.ts";
import { explain, toFunctionStatus } from "./function-status.ts";
import { createKvApi } from "./kv-api.ts";
import { toProblem } from "./problem.ts";
import { invalid, readJson } from "./read-json.ts";
import { createSecretsApi, parseDeploymentSecrets } from "./secrets-api.ts";
import { readTop, type TopParts } from "./top.ts";

/** What the control API shows and moves. */
export interface ControlParts {
  readonly token: string;
  readonly deployer: Deployer;
  readonly artifacts: Artifacts;
  readonly registry: Registry;
  readonly router: Router<LiveFunction>;
  readonly databases: Databases;
  readonly migrator: Migrator;
  readonly backups: Backups;
  openSnapshot(id: string): Promise<DatabaseSnapshot>;
  findNamespace(id: string): Resource;
  readonly log: Log;
  readonly top: TopParts;
  /** Asked at each request, because ports are known only once the node listens. */
  describeNode(): Omit<NodeStatus, "functions">;
  randomId(): string;
}

const LISTED_DEPLOYMENTS = 50;
const METHOD = /^[A-Z]{1,20}$/;
const PATH = /^\/[\x21-\x22\x24-\x7e]{0,4096}$/;

/** Makes the control API of a node. */
export function createControl(parts: ControlParts): Hono {
  const { deployer, artifacts, registry, router } = parts;
  const app = new Hono();
  const toStatus = (entry: RouteEntry<LiveFunction>) => toFunctionStatus(entry, parts.describeNode().dataUrl);

  app.use(async (c, next) => {
    if (!isAuthorized(c.req.header("authorization"), parts.token)) {
      throw new NebulaError(
        "NEBULA_UNAUTHORIZED",
        "Cannot serve the control API: the bearer token is missing or wrong",
        {
          hint: "the token is in the file token of the node's state directory",
        },
      );
    }
    await next();
    // Of an answer to HEAD nobody reads the body, and what it comes from may wait for that.
    if (c.req.raw.method === "HEAD") await c.res.body?.cancel();
  });

  app.get("/v1/node", (c) => c.json({ ...parts.describeNode(), functions: router.entries.size } satisfies NodeStatus));

  app.get("/v1/top", async (c) => c.json(await readTop(parts.top)));

  app.get("/v1/functions", (c) => {
    const functions = [...router.entries.values()].map(toStatus).sort((a, b) => a.name.localeCompare(b.name));
    return c.json({ functions });
  });

  app.get("/v1/functions/:name", async (c) => {
    const entry = router.entries.get(c.req.param("name"));
    if (entry === undefined) throw unknownFunction(c.req.param("name"));
    const deployments = await registry.listDeployments(entry.name, { limit: LISTED_DEPLOYMENTS });
    return c.json({ function: toStatus(entry), deployments: deployments.map(toSummary) });
  });

  app.get("/v1/functions/:name/explain", (c) => {
    const entry = router.entries.get(c.req.param("name"));
    if (entry === undefined) throw unknownFunction(c.req.param("name"));
    const { method = "GET", path = "/" } = c.req.query();
    if (!METHOD.test(method)) throw invalid('"method" is not one');
    if (!PATH.test(path)) throw invalid('"path" must begin with a slash, without white space');
    return c.json(explain(entry, { method, path }));
  });

  app.delete("/v1/functions/:name", async (c) => {
    const name = c.req.param("name");
    if (!(await deployer.remove(name))) throw unknownFunction(name);
    parts.top.metrics.remove(name);
    return c.body(null, 204);
  });

  app.post("/v1/blobs/missing", async (c) => {
    const body = await readJson(c.req.raw);
    const digests = isRecord(body) && Array.isArray(body.digests) ? body.digests : undefined;
    if (digests === undefined || !digests.every(isDigest)) throw invalid('"digests" must be a list of sha256 digests');
    return c.json({ missing: await artifacts.missing(digests) });
  });

  app.put("/v1/blobs/:digest", async (c) => {
    const digest = c.req.param("digest");
    if (!isDigest(digest)) throw invalid("the path does not end with a sha256 digest");
    await artifacts.put(digest, c.req.raw.body ?? new Uint8Array(), {
      limitBytes: MAX_ARCHIVE_BYTES,
      signal: c.req.raw.signal,
    });
    return c.json({ digest } satisfies { digest: Digest }, 201);
  });

  app.post("/v1/deployments", async (c) => {
    const body = await readJson(c.req.raw);
    const input = parseDeploymentInput(body);
    const answer = await deployer.deploy(input, parseDeploymentSecrets(body));
    return c.json({ ...answer, deployment: toSummary(answer.deployment) }, 201);
  });

  app.route("/v1", createSecretsApi(parts));
  app.route("/v1", createD1Api(parts));
  app.route("/v1", createKvApi(parts));
  app.route("/v1", createBackupApi(parts));

  app.notFound((c) =>
    answerProblem(
      new NebulaError("NEBULA_ROUTE_NOT_FOUND", `Cannot find ${c.req.method} ${c.req.path} in the control API`),
      parts,
    ),
  );
  app.onError((error) => answerProblem(error, parts));
  return app;
}

function answerProblem(thrown: unknown, { log, randomId }: ControlParts): Response {
  const error = toNebulaError(thrown);
  const requestId = randomId();
  const { status, headers, body } = toProblem(error, { audience: "owner", requestId });
  if (error.fault === "host")
    log.write("error", "control request failed", {
      requestId,
      code: error.code,
      error: error.message,
      cause: String(error.cause),
    });
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) pairs.push([headers[i] ?? "", headers[i + 1] ?? ""]);
  // What is left of a body that was not read to its end is not the next request.
  if (error.code === "NEBULA_BODY_TOO_LARGE") pairs.push(["connection", "close"]);
  return new Response(body, { status, headers: pairs });
}

function isAuthorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(/^Bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "");
  const wanted = Buffer.from(token);
  // An empty token would let in whoever sends none.
  return given.byteLength > 0 && given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted);
}

function toSummary({
  id,
  digest,
  createdAtMs,
  state,
  failure,
}: DeploymentSummary | DeploymentRecord): DeploymentSummary {
  return { id, digest, createdAtMs, state, ...(failure !== undefined && { failure }) };
}

function unknownFunction(name: string): NebulaError {
  return new NebulaError("NEBULA_FUNCTION_NOT_FOUND", `Cannot find a function "${name}" on this node`, {
    hint: "nebula list shows those that there are",
  });
}
