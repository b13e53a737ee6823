/**
 * One function with three interchangeable engines: what each costs, each part also a scenario of its own.
 */

import { type Scenario, talk } from "../scenario.ts";
import mixed from "./engines-mixed.ts";
import start from "./engines-start.ts";
import warm from "./engines-warm.ts";

const PARTS = [start, warm, mixed];

const scenario: Scenario = {
  name: "engines",
  question: "What does the same program cost in every engine? (engines-start, -warm, -mixed; needs Docker and cc)",
  run: async (findings, options) => {
    for (const part of PARTS) {
      talk(` ${part.name}`);
      await part.run(findings, options);
    }
  },
};

export default scenario;
