/**
 * Names of interfaces: `wasi:io/streams@0.2.3`.
 *
 * Every 0.2 release of an interface holds all that earlier ones had, so that they are one interface here.
 */

/** What functions that belong to no interface are listed under. */
export const ROOT = "$root";

const WITH_VERSION = /^(.+)@0\.2\.\d+$/;

/** The name without its version where that is a release of 0.2; any other name as it is. */
export function toInterfaceName(name: string): string {
  return WITH_VERSION.exec(name)?.[1] ?? name;
}
