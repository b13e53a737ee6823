/**
 * What an image says of itself, as far as it matters to those who run it. An image is a stranger's: what it says is
 * read here, and refused where it makes no sense.
 */

import { posix } from "node:path";
import { NebulaError } from "../../model/errors.ts";
import type { ContainerSettings } from "../../model/function.ts";

/** An image that Docker has. */
export interface ImageFacts {
  /** `sha256:…` of its configuration. */
  readonly id: string;
  /** `name:tag`, in any number. */
  readonly names: readonly string[];
  readonly os: string;
  readonly arch: string;
  /** As its author wrote it; empty for root. */
  readonly user: string;
  /** TCP ports that it exposes, in order. */
  readonly ports: readonly number[];
  /** Directories that it wants to keep, each once and in its shortest writing: Docker compares no other. */
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
}

/** Whoever has more has no idea of how it is to be run. */
const MAX_VOLUMES = 16;
const MAX_PORT = 65_535;
const PORT = /^(\d{1,5})(?:\/tcp)?$/;

/** Reads what Docker says of an image. */
export function readImageFacts(inspected: unknown): ImageFacts {
  const { Id, RepoTags, Os, Architecture, Config } = toRecord(inspected);
  const { User, ExposedPorts, Volumes, Entrypoint, Cmd } = toRecord(Config);
  const ports = Object.keys(toRecord(ExposedPorts)).flatMap((name) => PORT.exec(name)?.[1] ?? []);
  return {
    id: String(Id),
    names: toTexts(RepoTags),
    os: String(Os),
    arch: String(Architecture),
    user: typeof User === "string" ? User.trim() : "",
    ports: ports
      .map(Number)
      .filter((port) => port > 0 && port <= MAX_PORT)
      .sort((a, b) => a - b),
    volumes: [...new Set(Object.keys(toRecord(Volumes)).map(toShortest))],
    entrypoint: toTexts(Entrypoint),
    args: toTexts(Cmd),
  };
}

/**
 * Checks that it can run on a machine at all.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED.
 */
export function checkImage(
  facts: ImageFacts,
  { name, settings, machine }: { name: string; settings: ContainerSettings; machine: { os: string; arch: string } },
): void {
  const [wanted, had] = [`${facts.os}/${facts.arch}`, `${machine.os}/${machine.arch}`];
  if (wanted !== had) {
    const hint = `build it on a machine like this one, or with docker buildx build --platform ${had}`;
    throw unfit(name, `its image is for ${wanted}, and this machine is ${had}`, hint);
  }
  if (facts.entrypoint.length === 0 && (settings.args ?? facts.args).length === 0) {
    throw unfit(name, "its image has no command", "give it a CMD or an ENTRYPOINT");
  }
  if (facts.volumes.length > MAX_VOLUMES) {
    throw unfit(name, `its image has ${facts.volumes.length} volumes, and ${MAX_VOLUMES} is the most`);
  }
}

/**
 * The port to ask it on.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED when neither image nor settings say which.
 */
export function getPort(
  { ports }: ImageFacts,
  { name, settings }: { name: string; settings: ContainerSettings },
): number {
  const [first, ...others] = ports;
  if (settings.port !== undefined) return settings.port;
  const hint = "set port under [nebula.container]";
  if (first === undefined) throw unfit(name, "its image exposes no port", `${hint}, or EXPOSE one in the Dockerfile`);
  if (others.length > 0) throw unfit(name, `its image exposes the ports ${ports.join(", ")}`, `${hint} to one of them`);
  return first;
}

/** NEBULA_PREPARE_FAILED. */
function unfit(name: string, why: string, hint?: string): NebulaError {
  return new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${name}": ${why}`, {
    details: { function: name },
    hint,
  });
}

function toShortest(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function toTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
