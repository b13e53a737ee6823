/**
 * What a chain would do with a request now, and why, in words.
 */

import type { Artifact } from "../../model/artifact.ts";
import type { Answering, ArtifactSummary, ExplainedForm, FormStatus } from "../../model/control.ts";
import type { Call } from "../../model/exchange.ts";
import { findIsolation } from "../../model/isolation.ts";
import { NO_INSTANCES } from "../../model/top.ts";
import { formatMs } from "../../model/units.ts";
import type { Chain } from "./chain.ts";
import type { Choice } from "./choose.ts";
import { toTopic } from "./latencies.ts";
import type { LiveForm } from "./live-form.ts";

/** A request without what only an instance needs. */
export type Asked = Pick<Call, "head" | "body">;

/** One form as it is now. */
export function toFormStatus({
  engine,
  artifact,
  breaker,
  isBarred,
  failure,
  pool,
  runs,
  starts,
}: LiveForm): FormStatus {
  const { starting, idle, busy, frozen, stopped } = pool?.status ?? NO_INSTANCES;
  const [runMs, coldMs, thawMs] = [runs.median, starts.cold.median, starts.thaw.median];
  return {
    engine,
    isolation: findIsolation(engine),
    state: isBarred ? "weaker" : pool !== undefined ? "ready" : failure === undefined ? "preparing" : "failed",
    ...(failure !== undefined && { failure: { code: failure.code, message: failure.message } }),
    ...(artifact !== undefined && { artifact: toSummary(artifact) }),
    breaker: { state: breaker.state, opensInMs: breaker.opensInMs },
    instances: { starting, idle, busy, frozen, stopped },
    estimates: {
      ...(runMs !== undefined && { runMs }),
      ...(coldMs !== undefined && { coldMs }),
      ...(thawMs !== undefined && { thawMs }),
    },
  };
}

/** Every form, with what this request is expected to take there. */
export function explainForms({ forms, latencies }: Chain, asked: Asked): ExplainedForm[] {
  const topic = toTopic(asked);
  return forms.map((form) => {
    const expectedMs = latencies.find(form.place, topic)?.ms;
    return { ...toFormStatus(form), ...(expectedMs !== undefined && { expectedMs }) };
  });
}

/** Who would answer, and who after that one; undefined when nobody can. */
export function explainChoice(chain: Chain, asked: Asked): { answers?: Answering; next?: Answering } {
  const choice = chain.peek(asked);
  if (choice === undefined) return {};
  const after = chain.peek(asked, new Set([choice.form]));
  return {
    answers: { engine: choice.form.engine, why: describe(chain, choice, asked) },
    ...(after !== undefined && {
      next: {
        engine: after.form.engine,
        why: `if "${choice.form.engine}" fails before its first byte, and the request may be made again`,
      },
    }),
  };
}

/** Why it is this one. */
function describe(chain: Chain, { form, word }: Choice, asked: Asked): string {
  const { forms, settings } = chain;
  if (forms.length === 1) return "it is the only form";
  const before = forms.slice(0, form.place).map((each) => describeOther(chain, each, { word, form, asked }));
  if (before.length > 0) return before.join("; ");
  if (settings.strategy === "ordered") return "it comes first in the list";
  return "it comes first in the list, and none of the others is known to take less";
}

/** Why it is not that one. */
function describeOther(
  chain: Chain,
  other: LiveForm,
  { word, form, asked }: { word: Choice["word"]; form: LiveForm; asked: Asked },
): string {
  const reason = chain.findReason(other, word);
  if (reason === "breaker open") {
    return `"${other.engine}" keeps failing and is left alone for ${formatMs(other.breaker.opensInMs)}`;
  }
  if (reason === "preparing") return `"${other.engine}" is being prepared`;
  if (reason === "starting") return `"${other.engine}" has no instance up; one is started beside the request`;
  if (reason === "being compared") return `"${form.engine}" is asked so that it is measured`;
  if (reason !== "slower") return `"${other.engine}" is left out: ${other.failure?.message ?? reason}`;
  const topic = toTopic(asked);
  const [here, there] = [form, other].map(({ place }) => chain.latencies.find(place, topic)?.ms);
  const comparison = `${formatMaybe(here)} here, ${formatMaybe(there)} there`;
  return `"${other.engine}" is expected to take longer: ${comparison}`;
}

function formatMaybe(ms: number | undefined): string {
  return ms === undefined ? "not known" : formatMs(ms);
}

function toSummary(artifact: Artifact): ArtifactSummary {
  if (artifact.kind === "image") {
    const { kind, image, archive } = artifact;
    return { kind, digest: image, ...(archive !== undefined && { bytes: archive.bytes }) };
  }
  const { kind, main } = artifact;
  const others = kind === "js" ? artifact.modules : Object.values(artifact.files);
  return { kind, digest: main.digest, bytes: others.reduce((sum, { bytes }) => sum + bytes, main.bytes) };
}
