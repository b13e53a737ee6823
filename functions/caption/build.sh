# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/caption.wasm]
# Built with: rustc 1.63.0
cd "$(dirname "$0")" || exit
exec "${RUSTC:-rustc}" --target wasm32-wasi -C opt-level=3 -C lto -C panic=abort -C strip=symbols \
  -C target-feature=+bulk-memory,+nontrapping-fptoint -C link-arg=--initial-memory=8388608 -o "${1:-caption.wasm}" main.rs
