/**
 * What a build made, for tests of functions with one form.
 */

import type { Built } from "../../src/build/built.ts";
import type { Artifact } from "../../src/model/artifact.ts";
import type { DeploymentInput } from "../../src/model/deployment.ts";

/** The artifact of the only form. */
export function findArtifact({ forms }: Pick<Built | DeploymentInput, "forms">): Artifact | undefined {
  const [form] = forms;
  return form !== undefined && "artifact" in form ? form.artifact : undefined;
}
