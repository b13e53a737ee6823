/** The one piece of WebAssembly's JavaScript interface that this folder constructs; Node's types have it as a namespace only. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
}
