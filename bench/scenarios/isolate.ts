/**
 * The isolate engine as a whole: cold starts, memory, deployments, each also a scenario of its own.
 */

import { type Scenario, talk } from "../scenario.ts";
import coldStart from "./cold-start.ts";
import deployments from "./deployments.ts";
import memory from "./memory.ts";

const PARTS = [coldStart, memory, deployments];

const scenario: Scenario = {
  name: "isolate",
  question: "What do cold starts, warm functions and deployments cost on a node? (cold-start, memory, deployments)",
  run: async (findings, options) => {
    for (const part of PARTS) {
      talk(` ${part.name}`);
      await part.run(findings, options);
    }
  },
};

export default scenario;
