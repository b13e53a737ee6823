/**
 * Deploys a function whose forms were not built from one source: the bytes of each as a test has them.
 */

import { toDigest } from "../../src/build/blob-source.ts";
import type { Client } from "../../src/client/client.ts";
import type { Artifact } from "../../src/model/artifact.ts";
import type { DeployAnswer } from "../../src/model/control.ts";
import type { Form } from "../../src/model/deployment.ts";
import { type ChainSettings, DEFAULT_CHAIN, type Limits, type Scaling } from "../../src/model/function.ts";
import { toSpec } from "./guest-source.ts";

export interface FormsToDeploy {
  readonly name: string;
  /** In the order wanted: JavaScript of a module as text, a WASI program as bytes, or why it was not built. */
  readonly forms: readonly (
    | { readonly engine: "isolate"; readonly text: string }
    | { readonly engine: "wasi"; readonly wasm: Uint8Array }
    | { readonly engine: "container"; readonly image: string }
    | { readonly engine: "isolate" | "wasi"; readonly failure: string }
  )[];
  readonly chain?: Partial<ChainSettings>;
  readonly limits?: Partial<Limits>;
  readonly scaling?: Partial<Scaling>;
}

/** Uploads what the node lacks, and has it activate the function. */
export async function deployForms(client: Client, options: FormsToDeploy): Promise<DeployAnswer> {
  const { name, limits, scaling, chain } = options;
  const put = async (content: Uint8Array) => {
    const digest = toDigest(content);
    await client.put(digest, { from: "memory", content });
    return { digest, bytes: content.byteLength };
  };
  const toArtifact = async (form: FormsToDeploy["forms"][number]): Promise<Artifact | undefined> => {
    if ("text" in form) {
      const main = await put(Buffer.from(form.text));
      return { kind: "js", main: { ...main, name: "index.js", kind: "js" }, modules: [], style: "module" };
    }
    if ("wasm" in form) return { kind: "wasi-p1", main: await put(form.wasm), files: {}, savings: [] };
    return "image" in form ? { kind: "image", image: form.image } : undefined;
  };
  const forms = await Promise.all(
    options.forms.map(async (form): Promise<Form> => {
      const artifact = await toArtifact(form);
      if (artifact !== undefined) return { engine: form.engine, artifact };
      return { engine: form.engine, failure: "failure" in form ? form.failure : "" };
    }),
  );
  const plain = toSpec({ name, files: {}, ...(limits && { limits }) });
  return await client.deploy({
    spec: {
      ...plain,
      engines: forms.map(({ engine }) => engine),
      chain: { ...DEFAULT_CHAIN, ...chain },
      scaling: { ...plain.scaling, ...scaling },
    },
    forms,
  });
}
