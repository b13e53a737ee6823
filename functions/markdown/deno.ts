/** The program on Deno, which gives instances for an import of a `.wasm` file and no modules: read and compiled here. */

import { toHandler } from "../_shared/cgi.ts";

const program = await fetch(new URL("markdown.wasm", import.meta.url));

export default toHandler("markdown", await WebAssembly.compile(await program.arrayBuffer()));
