/**
 * What a container is made with: the least that it can run on. Pure; the one place that says what a container may do.
 *
 *     no capability, no new privilege, not root      its own processes, messages and network
 *     nothing to write but tmpfs                     processors, memory, processes and files are counted
 *     nothing of the host's file system              no restart, no health checks, no log of Docker's own
 */

import { type ContainerSettings, DEFAULT_CONTAINER, type FunctionSpec, toTextVars } from "../../model/function.ts";
import { FUNCTION_LABEL } from "../../model/image-builder.ts";
import type { CreateOptions } from "./docker.ts";
import type { ImageFacts } from "./image-facts.ts";

/** Which node a container, a network or an image belongs to. */
export const NODE_LABEL = "nebula.node";

/** What is run, and where. */
export interface ContainerPlan {
  /** Of the container. */
  readonly name: string;
  readonly nodeId: string;
  readonly spec: FunctionSpec;
  readonly image: ImageFacts;
  /** `none`, or the id of one of the node's networks. */
  readonly network: string;
  /** Processors of this machine: Docker refuses to give more. */
  readonly machineCpus: number;
  /** Behind the image's entry point; its own arguments unless given. */
  readonly args?: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** The request's body goes to its standard input. */
  readonly hasInput: boolean;
}

/** Whom an image runs as that says root, or nobody: `nonroot` of distroless images, and of no one on most machines. */
const NOBODY = "65532:65532";
const MAX_FILES = 16_384;
/** Nobody answers there: Docker would pass on questions for names from where there is no other way out. */
const NO_DNS = ["127.0.0.1"];
const ROOT = /^(?:root|0+)?(?::|$)/;

/** How a container of a function is run. */
export function toSettings({ container }: Pick<FunctionSpec, "container">): ContainerSettings {
  return container ?? DEFAULT_CONTAINER;
}

/** Variables of a server: those of the configuration, and the port that it is asked on. */
export function toServerEnv({ bindings }: Pick<FunctionSpec, "bindings">, port: number): Record<string, string> {
  return { ...toTextVars(bindings), PORT: String(port) };
}

/** Whether Docker takes a user for a number, whatever names the image has. */
export function isUserNumber(user: string): boolean {
  return /^\d+(?::|$)/.test(user);
}

/** Never root by number; whose a name is, the image has to tell. */
export function toUser(image: Pick<ImageFacts, "user">, settings: Pick<ContainerSettings, "user">): string {
  const wanted = settings.user ?? image.user;
  return ROOT.test(wanted) ? NOBODY : wanted;
}

/** The whole of what Docker is told. */
export function toCreateOptions(plan: ContainerPlan): CreateOptions {
  const { spec, image, hasInput } = plan;
  const settings = toSettings(spec);
  const { memoryBytes } = spec.limits;
  const args = plan.args ?? settings.args;
  const tmpfs = toTmpfs(image.volumes, settings.tmpBytes);
  return {
    name: plan.name,
    Image: image.id,
    ...(args !== undefined && { Cmd: [...args] }),
    Env: Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
    User: toUser(image, settings),
    Labels: { [NODE_LABEL]: plan.nodeId, [FUNCTION_LABEL]: spec.name },
    ...(hasInput && { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    // An image may bring checks of its own, which would wake it all the time.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: plan.network,
      ...(!spec.outbound.includes("*") && { Dns: NO_DNS }),
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      ReadonlyRootfs: true,
      Tmpfs: tmpfs,
      ShmSize: Math.floor(settings.tmpBytes / SHM_SHARE),
      IpcMode: "private",
      PidsLimit: settings.pids,
      Memory: memoryBytes,
      // The same: nothing of it is swapped.
      MemorySwap: memoryBytes,
      NanoCpus: Math.round(Math.min(settings.cpus, plan.machineCpus) * 1e9),
      Ulimits: [
        { Name: "nofile", Soft: MAX_FILES, Hard: MAX_FILES },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
      RestartPolicy: { Name: "no" },
      // Whoever reads what it prints is attached to it; nothing of it goes to Docker's disk.
      LogConfig: { Type: "none", Config: {} },
    },
  };
}

/** Of `tmpBytes`, shared memory has an eighth, `/tmp` a half, and the others share the rest. */
const SHM_SHARE = 8;

/** A volume would be kept on the host's disk: it is memory too, and begins empty. */
function toTmpfs(volumes: readonly string[], tmpBytes: number): Record<string, string> {
  const others = ["/run", ...volumes.filter((path) => path !== "/tmp" && path !== "/run")];
  const each = Math.floor((tmpBytes / 2 - tmpBytes / SHM_SHARE) / others.length);
  const sizes = [["/tmp", Math.floor(tmpBytes / 2)] as const, ...others.map((path) => [path, each] as const)];
  return Object.fromEntries(sizes.map(([path, bytes]) => [path, `rw,noexec,nosuid,nodev,mode=1777,size=${bytes}`]));
}
