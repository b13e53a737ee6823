/**
 * What is used of `semver`, which has no types of its own.
 */

declare module "semver" {
  const semver: {
    /** The range in its long form, or null when it is none. */
    validRange(range: string): string | null;
    satisfies(version: string, range: string): boolean;
  };
  export default semver;
}
