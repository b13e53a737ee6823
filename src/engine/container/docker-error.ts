/**
 * What dockerode and the daemon fail with, in words that say who must do what.
 */

import { NebulaError } from "../../model/errors.ts";

/** What went wrong between us and Docker; in `details.docker`. */
export type DockerTrouble =
  /** No daemon has a socket there. */
  | "absent"
  /** The socket is not for us. */
  | "denied"
  /** It went while it was asked. */
  | "gone"
  | "timeout"
  | "old"
  /** It knows nothing by that name. */
  | "missing"
  /** It is in another state than we thought. */
  | "conflict"
  | "full"
  /** It says no, in its own words. */
  | "refused";

/** What was wanted, and of whom. */
export interface DockerQuestion {
  /** Completes "Docker cannot …". */
  readonly verb: string;
  readonly socketPath: string | undefined;
}

/** The trouble that an error of `Docker.ask` is about; undefined for any other error. */
export function findTrouble(thrown: unknown): DockerTrouble | undefined {
  if (!(thrown instanceof NebulaError)) return undefined;
  const { docker } = thrown.details;
  return isTrouble(docker) ? docker : undefined;
}

/** Whether the daemon itself cannot be asked now, whatever the question. */
export function isAway(thrown: unknown): boolean {
  const trouble = findTrouble(thrown);
  return trouble === "absent" || trouble === "denied" || trouble === "gone" || trouble === "timeout";
}

/** What an error of it carries: its trouble, and whether that passes without anybody deploying again. */
export function toDetails(docker: DockerTrouble): Readonly<Record<string, string | boolean>> {
  return PASSING.has(docker) ? { docker, isTemporary: true } : { docker };
}

const PASSING: ReadonlySet<DockerTrouble> = new Set(["absent", "denied", "gone", "timeout", "full"]);

/** Any error of dockerode, once and for all. */
export function toDockerError(thrown: unknown, { verb, socketPath = "DOCKER_HOST" }: DockerQuestion): NebulaError {
  if (thrown instanceof NebulaError) return thrown;
  const fail = (docker: DockerTrouble, why: string, hint?: string) =>
    new NebulaError("NEBULA_START_FAILED", `Docker cannot ${verb}: ${why}`, {
      details: toDetails(docker),
      cause: thrown,
      hint,
    });
  const { errno, status, words } = readThrown(thrown);
  if (errno === "ENOENT") {
    return fail("absent", `it is not there (no socket at ${socketPath})`, "install Docker and start its daemon");
  }
  if (errno === "ECONNREFUSED") {
    return fail("absent", `nobody answers at ${socketPath}`, "start the Docker daemon");
  }
  if (errno === "EACCES" || errno === "EPERM") {
    return fail("denied", `this user may not use ${socketPath}`, 'add the user of the node to the group "docker"');
  }
  if (/no space left on device|disk quota exceeded/i.test(words)) {
    return fail("full", "its disk is full", "make room: docker system df shows what takes it");
  }
  if (errno !== undefined || /socket hang up|aborted/i.test(words)) {
    return fail("gone", `the connection to it broke (${errno ?? words})`, "see whether the Docker daemon runs");
  }
  if (status === 404) return fail("missing", words);
  if (status === 409 || status === 304) return fail("conflict", words);
  return fail("refused", words);
}

const TROUBLES = new Set<unknown>("absent denied gone timeout old missing conflict full refused".split(" "));

function isTrouble(value: unknown): value is DockerTrouble {
  return TROUBLES.has(value);
}

/** A daemon's words may be long: what a whole layer could not be read for, say. */
const MAX_WORDS = 1_000;
/** Errors of the network stack that mean a connection could not be made, or broke. */
const ERRNO = /^E[A-Z]+$/;

function readThrown(thrown: unknown): { errno: string | undefined; status: number | undefined; words: string } {
  const { code, statusCode, json, message }: Record<string, unknown> = Object(thrown);
  const said: unknown = Object(json).message;
  const words = typeof said === "string" ? said : String(message ?? thrown);
  return {
    errno: typeof code === "string" && ERRNO.test(code) ? code : undefined,
    status: typeof statusCode === "number" ? statusCode : undefined,
    words: words.trim().slice(0, MAX_WORDS),
  };
}
