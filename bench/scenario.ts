/**
 * What a scenario is, and what it hands over.
 *
 * A scenario answers one question with a workload. It reports as it goes into `Findings`, which main.ts prints as
 * tables and keeps as JSON. A reach that is missed is a finding like any other: nothing here is a verdict.
 */

import { type Summary, summarize } from "./stats.ts";

export interface Scenario {
  /** The file's name without `.ts`. */
  readonly name: string;
  /** What a reader knows after it ran. */
  readonly question: string;
  run(findings: Findings, options: RunOptions): Promise<void>;
}

export interface RunOptions {
  /** Short rounds and few samples: whether it works, not how fast it is. */
  readonly isQuick: boolean;
  /** Paths of Wasm programs that are to be measured besides; only some scenarios look at them. */
  readonly programs: readonly string[];
  /** Aborts when the user interrupts; whatever was started must then end. */
  readonly signal: AbortSignal;
}

/** A set of samples of one quantity, with what one needs to judge them. */
export interface Measurement extends Summary {
  /** Who was measured: `nebula`, `workerd`. */
  readonly subject: string;
  /** What was measured, and under which conditions. */
  readonly quantity: string;
  readonly unit: string;
  /** What ran before the first sample. */
  readonly warmUp: string;
  readonly samples: readonly number[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A number that the design wants. */
export interface Reach {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly isReached: boolean;
}

export class Findings {
  readonly measurements: Measurement[] = [];
  readonly tables: Table[] = [];
  readonly reaches: Reach[] = [];
  /** What a reader must know to read the numbers rightly. */
  readonly notes: string[] = [];
  /** Versions of everything that was measured. */
  readonly versions: Record<string, string> = {};
  /** Who could not be measured here, and why. */
  readonly unavailable: Record<string, string> = {};
  /** Anything else worth keeping: rounds with their quantiles, response heads. */
  readonly details: Record<string, unknown> = {};

  /** Keeps samples with their summary. */
  measure(of: Pick<Measurement, "subject" | "quantity" | "unit" | "warmUp">, samples: readonly number[]): Measurement {
    const measurement = { ...of, ...summarize(samples), samples: samples.map((sample) => Number(sample.toFixed(4))) };
    this.measurements.push(measurement);
    return measurement;
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

/** What is going on, for whoever waits: standard error is talk, standard output is data. */
export function talk(text: string): void {
  process.stderr.write(`${text}\n`);
}
