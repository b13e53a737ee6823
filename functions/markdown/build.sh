# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/markdown.wasm]
# Built with: rustc 1.63.0
cd "$(dirname "$0")" || exit
exec "${RUSTC:-rustc}" --target wasm32-wasi -O -C strip=symbols -o "${1:-markdown.wasm}" main.rs
