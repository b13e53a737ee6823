/**
 * Which forms go without, when a step of the build fails, and when the build as a whole has failed.
 *
 * A step takes down the forms that need it and nothing else, as long as one form is left. What no form needs (the static
 * files, a command with nothing to build) is needed by the deployment itself.
 */

import type { NebulaError } from "../model/errors.ts";
import type { EngineName } from "../model/function.ts";
import { type BuildPlan, listNeeded, type PlannedForm, type StepName } from "./plan.ts";

/** A form that could not be built, and why. */
export interface FormFailure {
  readonly engine: EngineName;
  readonly error: NebulaError;
}

/** The failures of one build. */
export class FailedForms {
  readonly #plan: BuildPlan;
  readonly #needed: ReadonlyMap<PlannedForm, ReadonlySet<StepName>>;
  readonly #failed = new Map<StepName, NebulaError>();

  constructor(plan: BuildPlan) {
    this.#plan = plan;
    this.#needed = new Map(plan.forms.map((form) => [form, listNeeded(plan, form)]));
  }

  /** Notes the failure of a step. Gives the error that the build fails with, where it cannot go on. */
  note(step: StepName, error: NebulaError): NebulaError | undefined {
    this.#failed.set(step, error);
    const { forms } = this.#plan;
    if (!forms.some((form) => this.#needed.get(form)?.has(step))) return error;
    const failures = this.list();
    return failures.length === forms.length ? failures[0]?.error : undefined;
  }

  /** In the order of the engines. */
  list(): readonly FormFailure[] {
    return this.#plan.forms.flatMap((form) => {
      // The first of its steps that failed; the others have only waited for it.
      const broken = this.#plan.steps.find(({ step }) => this.#needed.get(form)?.has(step) && this.#failed.has(step));
      const error = broken && this.#failed.get(broken.step);
      return error === undefined ? [] : [{ engine: form.engine, error }];
    });
  }
}
