/** What an import of a `.wasm` file gives, as on Workers: a module that is compiled and not yet started. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
