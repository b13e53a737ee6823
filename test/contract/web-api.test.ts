import { webApi } from "./web-api.suite.ts";

webApi("on Node", { runtime: "node" });
