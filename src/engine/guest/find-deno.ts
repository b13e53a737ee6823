/**
 * Finds Deno where npm has put it. It is optional: who asks for it without having it is told what to install.
 */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NebulaError } from "../../model/errors.ts";

/** The oldest that links modules without permissions and takes a connected descriptor, and the first that nobody has tried. */
const VERSIONS = { from: [2, 9], below: 3 } as const;
const HINT = "npm install deno@2.9.6 where nebula is installed";

/** Where to look; default beside this program. */
export interface FindDenoOptions {
  /** A file or URL from which packages are looked up. */
  readonly from?: string | URL;
}

/** A Deno that guests can run on. */
export interface FoundDeno {
  readonly binary: string;
  readonly version: string;
}

/**
 * Deno's binary.
 * @throws {NebulaError} NEBULA_START_FAILED when it is not installed, or in a version that guests cannot run on.
 */
export function findDeno({ from = import.meta.url }: FindDenoOptions = {}): FoundDeno {
  const manifest = findManifest("deno", from);
  if (manifest === undefined) throw missing('the package "deno" is not installed');
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, "utf8"));
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = VERSIONS.from;
  if (major >= VERSIONS.below || major < leastMajor || (major === leastMajor && minor < leastMinor))
    throw missing(`Deno ${version} is installed, must be ${VERSIONS.from.join(".")} or newer, below ${VERSIONS.below}`);
  const name = `@deno/linux-${process.arch}-glibc`;
  const native = findManifest(name, manifest);
  const binary = native === undefined ? undefined : join(dirname(native), "deno");
  if (binary === undefined || !existsSync(binary)) throw missing(`its binary, the package "${name}", is not installed`);
  return { binary, version };
}

function findManifest(name: string, from: string | URL): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`);
  } catch {
    return undefined; // because what is not installed is not there
  }
}

function missing(why: string): NebulaError {
  return new NebulaError("NEBULA_START_FAILED", `Cannot start a guest process on Deno: ${why}`, { hint: HINT });
}
