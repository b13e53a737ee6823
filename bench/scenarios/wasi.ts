/**
 * The WASI engine as a whole: what every number of its design is, each part also a scenario of its own.
 */

import { type Scenario, talk } from "../scenario.ts";
import compile from "./wasi-compile.ts";
import guest from "./wasi-guest.ts";
import http from "./wasi-http.ts";
import restart from "./wasi-restart.ts";
import thousand from "./wasi-thousand.ts";
import without from "./wasi-without.ts";

const PARTS = [guest, http, compile, thousand, restart, without];

const scenario: Scenario = {
  name: "wasi",
  question:
    "What does a fresh Wasm instance for each request cost? (wasi-guest, -http, -compile, -thousand, -restart, -without)",
  run: async (findings, options) => {
    for (const part of PARTS) {
      talk(` ${part.name}`);
      await part.run(findings, options);
    }
  },
};

export default scenario;
