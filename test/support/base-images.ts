/**
 * Stand-ins for the base images that Dockerfiles name, made of this machine's own files: tests reach no registry.
 *
 * Each is one layer with a program, the libraries that it loads, and a shell with what build steps mostly call. Made
 * once for each Docker daemon, and only where it has nothing by that name.
 */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

/** What there is a stand-in for. */
export type BaseImage = "node:26-slim" | "gcc:15";

/** Tells a stand-in from the real image. */
const BASE_IMAGE_LABEL = "nebula.test=base-image";

const run = promisify(execFile);

const LOCK_FILE = join(tmpdir(), "nebula-base-images.lock");
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const USERS = "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n";
const GROUPS = "root:x:0:\nnode:x:1000:\n";
/** Debian has them as links into /usr, and programs are known by both names. */
const TOP_LINKS = ["/bin", "/sbin", "/lib", "/lib64"];
const SHELL = "sh cat chmod chown cp env id ln ls mkdir mv rm sleep true uname".split(" ");
const COMPILER = "gcc cc as ld ar nm ranlib strip make".split(" ");
/** Compilers of other languages, link-time optimisation and sanitizers, which are more than everything else. */
const NOT_C = /\/(?:cc1plus|cc1obj|f951|d21|lto1|plugin|lib[a-z]*san[_.].*)(?:\/|$)/;

/** Headers, start files and the library of C, static and not. */
const C_PACKAGES = ["libc6-dev", "linux-libc-dev", "libc6", "libgcc-s1"];
const C_FILES = /^\/(?:usr\/include|(?:usr\/)?lib(?:64)?)\/(?!.*\/gconv\/)./;

/** Makes sure that Docker has an image of this name. `dockerHost` is as in `DOCKER_HOST`. */
export async function ensureBaseImage(name: BaseImage, { dockerHost }: { dockerHost?: string } = {}): Promise<void> {
  const env = dockerHost === undefined ? process.env : { ...process.env, DOCKER_HOST: dockerHost };
  if (await isThere(name, env)) return;
  const dir = await mkdtemp(join(tmpdir(), "nebula-base-image-"));
  try {
    const archive = join(dir, "image.tar");
    const { files, command } = await IMAGES[name](join(dir, "own"));
    await pack(archive, { own: join(dir, "own"), files });
    const changes = [`LABEL ${BASE_IMAGE_LABEL}`, `ENV PATH=${PATH}`, `CMD ["${command}"]`];
    // Of two that come at once, the second finds what the first has made.
    const script = 'name=$1; shift; docker image inspect "$name" >&- 2>&- || exec docker import "$@" "$name"';
    const flags = changes.flatMap((change) => ["--change", change]);
    await run("flock", [LOCK_FILE, "sh", "-c", script, "sh", name, ...flags, archive], { env });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What is in an image: files of this machine, under their own names, besides those that were written to a folder. */
interface Contents {
  readonly files: Iterable<string>;
  readonly command: string;
}

const IMAGES: Readonly<Record<BaseImage, (own: string) => Promise<Contents>>> = {
  "node:26-slim": async (own) => {
    await writeOwn(own);
    await mkdir(join(own, "usr/local/bin"), { recursive: true });
    // This process runs in it: the project's own Node 26.
    await copyFile(process.execPath, join(own, "usr/local/bin/node"));
    const programs = findPrograms(SHELL);
    const libraries = (await Promise.all([process.execPath, ...programs].map(findLibraries))).flat();
    return { files: await collect([...programs, ...libraries]), command: "node" };
  },
  "gcc:15": async (own) => {
    await writeOwn(own);
    const { stdout } = await run("gcc", ["-print-libgcc-file-name"]);
    const entries = await readdir(dirname(stdout.trim()), { recursive: true, withFileTypes: true });
    const internals = entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !NOT_C.test(path));
    const { stdout: listed } = await run("dpkg-query", ["--listfiles", ...C_PACKAGES]);
    const development = listed.split("\n").filter((path) => C_FILES.test(path));
    const programs = findPrograms([...SHELL, ...COMPILER]);
    const loading = [...programs, ...internals.filter((path) => /\/(?:cc1|collect2|lto-wrapper)$/.test(path))];
    const libraries = (await Promise.all(loading.map(findLibraries))).flat();
    return { files: await collect([...programs, ...internals, ...development, ...libraries]), command: "sh" };
  },
};

async function isThere(name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await run("docker", ["images", "--quiet", name], { env });
  return stdout.trim() !== "";
}

async function writeOwn(own: string): Promise<void> {
  for (const folder of ["etc", "home/node", "root", "tmp"]) await mkdir(join(own, folder), { recursive: true });
  await chmod(join(own, "tmp"), 0o1777);
  await writeFile(join(own, "etc/passwd"), USERS);
  await writeFile(join(own, "etc/group"), GROUPS);
}

/** Those of them that this machine has. */
function findPrograms(names: readonly string[]): string[] {
  return names.map((name) => `/usr/bin/${name}`).filter(existsSync);
}

/** What the dynamic linker loads for a program; nothing for a static one. */
async function findLibraries(program: string): Promise<string[]> {
  const { stdout } = await run("ldd", [program]).catch(() => ({ stdout: "" }));
  return [...stdout.matchAll(/(?:^|\s)(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

/**
 * Files by their names without links above them, with what they link to and the folders that they are in: Docker makes
 * a folder that is missing, but not always one that others may enter.
 */
async function collect(paths: readonly string[]): Promise<Set<string>> {
  const files = new Set<string>();
  const addFolder = (folder: string): void => {
    if (folder === "/" || files.has(folder)) return;
    addFolder(dirname(folder));
    files.add(folder);
  };
  const add = async (path: string): Promise<void> => {
    const file = join(await realpath(dirname(path)), path.slice(path.lastIndexOf("/") + 1));
    const found = await lstat(file).catch(() => undefined);
    if (found === undefined || found.isDirectory() || files.has(file)) return;
    addFolder(dirname(file));
    files.add(file);
    if (found.isSymbolicLink()) await add(resolve(dirname(file), await readlink(file)));
  };
  for (const path of new Set(paths)) await add(path);
  for (const link of TOP_LINKS) if ((await lstat(link).catch(() => undefined))?.isSymbolicLink()) files.add(link);
  return files;
}

async function pack(archive: string, { own, files }: { own: string; files: Iterable<string> }): Promise<void> {
  const owners = ["--owner=0", "--group=0", "--numeric-owner"];
  const listed = ["--directory=/", "--no-recursion", "--null", "--verbatim-files-from", "--files-from=-"];
  const tar = spawn("tar", ["--create", `--file=${archive}`, ...owners, `--directory=${own}`, ".", ...listed], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  // because what has gone wrong is told by its exit code
  tar.stdin.on("error", () => {});
  // Nothing twice: the folders of our own are there.
  const others = [...files].filter((file) => !existsSync(join(own, file)));
  tar.stdin.end(others.map((file) => file.slice(1)).join("\0"));
  const [code] = await once(tar, "close");
  if (code !== 0) throw new Error(`Cannot pack a base image: tar ended with exit code ${code}`);
}
