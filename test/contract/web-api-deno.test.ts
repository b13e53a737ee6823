import { withDeno } from "../support/deno.ts";
import { webApi } from "./web-api.suite.ts";

await withDeno("web API on Deno", () => webApi("on Deno", { runtime: "deno", lacks: ["PerformanceResourceTiming"] }));
