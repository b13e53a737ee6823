/**
 * Which proposals binaryen is told that it may use.
 *
 * Named one by one: with all of them it writes encodings that V8 refuses. What is here V8 takes without a flag, and a
 * program that needs more says so in its sections.
 */

const USUAL: readonly string[] = [
  "bulk-memory",
  "bulk-memory-opt",
  "exception-handling",
  "extended-const",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "relaxed-simd",
  "sign-ext",
  "simd",
  "tail-call",
  "threads",
];

/** The flags for a module with these features. */
export function toFeatureFlags(features: readonly string[]): string[] {
  const more = features.includes("gc") ? ["gc"] : [];
  return [...USUAL, ...more].map((name) => `--enable-${name}`);
}
