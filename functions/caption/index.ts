/** The program as a Worker: the same module as the form for `wasi`, asked by a few lines of JavaScript. */

import { toHandler } from "../_shared/cgi.ts";
import program from "./caption.wasm";

export default toHandler("caption", program);
