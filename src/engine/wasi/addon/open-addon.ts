/**
 * The add-on's machine code: compiled once for each version of its source and of Node, then found.
 *
 *     found ─▶ its path                         absent ─▶ compiled beside ─▶ tried ─▶ renamed ─▶ its path
 *
 * Everything works without it, only slower: whatever is missing is a reason and never an error. Who compiles at the same
 * time makes the same file, and the last one renamed is as good as the first.
 */

import { createHash } from "node:crypto";
import { access, chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeThrown } from "../../../model/errors.ts";
import { type Clock, type Log, systemClock } from "../../../model/ports.ts";
import { runTool } from "./run-tool.ts";

/** Where the add-on comes from and where it is kept. */
export interface AddonOptions {
  /** A folder of ours alone. It is made when it is not there, and nothing else belongs into it. */
  readonly cacheDir: string;
  /** The text of addon.cc. */
  readonly sourceFile: string;
  /** Node's and V8's headers; default: those that come with the binary that runs. */
  readonly includeDir?: string;
  /** Tried one after the other. */
  readonly compilers?: readonly string[];
  /** Where they are, as in PATH. */
  readonly path?: string;
  readonly timeoutMs?: number;
  /** Ends the compilation; the reason is then that one. */
  readonly signal?: AbortSignal;
  readonly log: Log;
  readonly clock?: Clock;
}

/** The file to be opened for guests, or why there is none. */
export type AddonFile = { readonly path: string } | { readonly reason: string };

const COMPILERS = ["c++", "g++", "clang++"];
const TIMEOUT_MS = 60_000;
const FLAGS = ["-std=c++20", "-O2", "-fPIC", "-shared", "-fno-rtti", "-fno-exceptions", "-fvisibility=hidden", "-s"];
const HARDENING = ["-fstack-protector-strong", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"];
/** Loads the file that is its argument, in a process of its own. */
const TRIAL = "process.dlopen({ exports: {} }, process.argv[1])";
/** What others left behind, compilations that a crash cut short and add-ons of older versions, goes after this time. */
const STALE_MS = 24 * 60 * 60_000;

/** The add-on of this machine, compiled if need be, which takes a few seconds. Never rejects. */
export async function openAddon(options: AddonOptions): Promise<AddonFile> {
  const { log, clock = systemClock } = options;
  const startedAtMs = clock.nowMs();
  const found = await findOrCompile(options).catch((thrown: unknown) => ({
    reason: describeThrown(thrown),
  }));
  if ("reason" in found) log.write("warn", "kept machine code is off", { reason: found.reason });
  else if (found.isNew) log.write("info", "add-on compiled", { ms: Math.round(clock.nowMs() - startedAtMs) });
  return "reason" in found ? found : { path: found.path };
}

async function findOrCompile(options: AddonOptions): Promise<{ path: string; isNew: boolean } | { reason: string }> {
  const source = await readFile(options.sourceFile);
  const path = join(options.cacheDir, toFileName(source));
  if (await isThere(path)) return { path, isNew: false };
  const includeDir = options.includeDir ?? join(dirname(dirname(process.execPath)), "include/node");
  if (!(await isThere(join(includeDir, "node.h")))) return { reason: "Node's headers are not beside its binary" };
  await mkdir(options.cacheDir, { recursive: true, mode: 0o700 });
  await removeStale(options);
  const workDir = await mkdtemp(join(options.cacheDir, "compiling-"));
  try {
    const reason = await compile(join(workDir, "addon.node"), { ...options, includeDir, workDir });
    if (reason !== undefined) return { reason };
    await rename(join(workDir, "addon.node"), path);
    return { path, isNew: true };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** Node's number of its interface does not tell versions of V8 apart, and the add-on uses what changes between them. */
function toFileName(source: Uint8Array): string {
  const { node, v8 } = process.versions;
  const hash = createHash("sha256")
    .update(source)
    .update(`${node} ${v8} ${[...FLAGS, ...HARDENING].join(" ")}`);
  return `addon-${process.arch}-${hash.digest("hex").slice(0, 16)}.node`;
}

/** Makes `target` a file that loads. The reason instead, the first compiler's when several failed. */
async function compile(
  target: string,
  options: AddonOptions & { includeDir: string; workDir: string },
): Promise<string | undefined> {
  const { sourceFile, includeDir, workDir, compilers = COMPILERS, timeoutMs = TIMEOUT_MS, signal } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  const bounds = {
    cwd: workDir,
    path: options.path ?? process.env.PATH ?? "/usr/bin:/bin",
    signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
  };
  const args = [...FLAGS, ...HARDENING, "-isystem", includeDir, "-o", target, sourceFile];
  const reasons: string[] = [];
  for (const compiler of compilers) {
    const reason =
      (await runTool(compiler, { ...bounds, args })) ??
      (await runTool(process.execPath, { ...bounds, args: ["-e", TRIAL, target] }));
    if (reason === undefined) return await settle(target);
    if (reason !== `spawn ${compiler} ENOENT`) reasons.push(`${compiler}: ${reason}`);
    if (bounds.signal.aborted) break;
  }
  return reasons[0] ?? "no C++ compiler";
}

/** Guests have a user of their own and read it through a descriptor; and half a file must not outlive a power cut. */
async function settle(path: string): Promise<undefined> {
  await chmod(path, 0o444);
  await using file = await open(path);
  await file.sync();
}

async function removeStale({ cacheDir, clock = systemClock }: AddonOptions): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name);
    // because another node may be removing it too
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined && clock.dateMs() - info.mtimeMs > STALE_MS)
      await rm(path, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
