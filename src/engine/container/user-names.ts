/**
 * Whose a user's name is in a container that does not run yet: its image has a list of them, and may call root as it likes.
 */

import { NebulaError } from "../../model/errors.ts";
import { MIB } from "../../model/units.ts";
import { isUserNumber } from "./container-options.ts";
import { readContainerFile } from "./containers.ts";
import type { Docker } from "./docker.ts";
import { readTarMembers } from "./tar-reader.ts";

const LIST = "passwd";
const NOT_ROOT = /^0*[1-9]\d{0,9}$/;

/** @throws {NebulaError} NEBULA_START_FAILED when the user is root, or nobody can tell. */
export async function checkUserName(
  docker: Docker,
  { container, user, signal }: { container: string; user: string; signal: AbortSignal },
): Promise<void> {
  if (isUserNumber(user)) return;
  const [name = ""] = user.split(":");
  const tar = await readContainerFile(docker, container, { path: `/etc/${LIST}`, signal });
  const members = await readTarMembers(tar, { wanted: new Set([LIST]), limitBytes: MIB });
  const list = typeof members === "string" ? "" : (members.get(LIST) ?? "");
  // A line may stand there twice, and a number that is none counts as 0.
  const lines = list.split("\n").map((line) => line.trim().split(":"));
  const numbers = lines.filter(([first]) => first === name).map(([, , number = ""]) => number);
  if (numbers.length > 0 && numbers.every((number) => NOT_ROOT.test(number))) return;
  throw rootByName(user, numbers.length === 0 ? "is not known to it" : "is root");
}

/** NEBULA_START_FAILED. */
export function rootByName(user: string, why: string): NebulaError {
  return new NebulaError("NEBULA_START_FAILED", `the user "${user}" of its image ${why}`, {
    hint: "set a numeric user under [nebula.container], or USER in the Dockerfile",
  });
}
