/**
 * From a path to a node, without leaving the directory that it starts from.
 *
 * Whatever the path and the symbolic links on its way say, nothing above the start is reached: an absolute path, an
 * absolute link and a ".." too many are refused with EPERM.
 */

import { Directory, type FileNode } from "./directory.guest.ts";
import { refuse } from "./file-error.guest.ts";

/** Where a path leads: a name in a directory, and what is there now. */
export interface Place {
  readonly parent: Directory;
  /** "." when the path ends with "." or "..", and the node is a directory without a name of its own. */
  readonly name: string;
  readonly node: FileNode | undefined;
  /** The path ends with a slash. */
  readonly mustBeDirectory: boolean;
}

/** How many symbolic links one path may lead through, as on Linux. */
const MAX_LINKS = 40;
const MAX_PATH_CHARS = 4096;
const MAX_NAME_BYTES = 255;
/** A name of this many UTF-16 units may be longer than MAX_NAME_BYTES. */
const LONG_NAME_CHARS = MAX_NAME_BYTES / 3;

/**
 * Finds the place. A symbolic link at the end of the path is followed when `follows`.
 *
 * Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a NUL in the path) and EPERM.
 */
export function resolve(start: Directory, path: string, follows: boolean): Place {
  checkPath(path);
  const todo = path.split("/").reverse();
  return new Walk(start, todo, follows).run();
}

function checkPath(path: string): void {
  if (path === "") refuse("ENOENT");
  if (path.length > MAX_PATH_CHARS) refuse("ENAMETOOLONG");
  if (path.includes("\0")) refuse("EINVAL");
  if (path.startsWith("/")) refuse("EPERM");
}

class Walk {
  /** The directories from the start to where it is now. */
  readonly #trail: Directory[];
  /** The names that are left, the next one last. */
  readonly #todo: string[];
  readonly #follows: boolean;
  #here: Directory;
  #links = 0;
  #mustBeDirectory: boolean;

  constructor(start: Directory, todo: string[], follows: boolean) {
    this.#here = start;
    this.#trail = [start];
    this.#todo = todo;
    this.#follows = follows;
    this.#mustBeDirectory = todo[0] === "";
  }

  run(): Place {
    for (let name = this.#todo.pop(); name !== undefined; name = this.#todo.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        this.#goUp();
        continue;
      }
      const place = this.#enter(name);
      if (place !== undefined) return place;
    }
    return { parent: this.#here, name: ".", node: this.#here, mustBeDirectory: this.#mustBeDirectory };
  }

  #goUp(): void {
    this.#trail.pop();
    const above = this.#trail.at(-1);
    if (above === undefined) refuse("EPERM");
    this.#here = above;
  }

  /** Goes on to `name`; answers where that is when it is the end of the path. */
  #enter(name: string): Place | undefined {
    if (name.length > LONG_NAME_CHARS && new TextEncoder().encode(name).length > MAX_NAME_BYTES) refuse("ENAMETOOLONG");
    const node = this.#here.find(name);
    const isLast = this.#isLast();
    if (node?.kind === "symlink" && (!isLast || this.#follows)) return this.#follow(node.target, isLast);
    if (isLast) return { parent: this.#here, name, node, mustBeDirectory: this.#mustBeDirectory };
    if (node === undefined) refuse("ENOENT");
    if (!(node instanceof Directory)) refuse("ENOTDIR");
    this.#here = node;
    this.#trail.push(node);
    return undefined;
  }

  #follow(target: string, isLast: boolean): undefined {
    this.#links += 1;
    if (this.#links > MAX_LINKS) refuse("ELOOP");
    checkPath(target);
    if (isLast && target.endsWith("/")) this.#mustBeDirectory = true;
    this.#todo.push(...target.split("/").reverse());
  }

  /** Whether only slashes are left. */
  #isLast(): boolean {
    return this.#todo.every((name) => name === "");
  }
}
