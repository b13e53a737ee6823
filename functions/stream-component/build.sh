# Rebuilds the component, or writes it to the file named: sh build.sh [/path/to/stream-component.wasm]
# With `core` in front it makes the core module alone, for which no wasm-tools are needed: sh build.sh core /path/to/core.wasm
# Built with: clang 14.0.6, and wasm-tools as jco-transpile 0.15.0 has them
cd "$(dirname "$0")" || exit
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
compile() { "${CLANG:-clang}" --target=wasm32 -nostdlib "$@"; }
# In two steps, because with -O the second one would run whatever wasm-opt it finds.
compile -ffreestanding -mbulk-memory -Os -Wall -c -o "$scratch/stream.o" stream.c &&
  compile -Wl,--no-entry,--strip-all -o "$scratch/core.wasm" "$scratch/stream.o" || exit
if [ "$1" = core ]; then
  cp "$scratch/core.wasm" "$2"
  exit
fi
"${WASM_TOOLS:-wasm-tools}" component embed world.wit "$scratch/core.wasm" -o "$scratch/embedded.wasm" &&
  "${WASM_TOOLS:-wasm-tools}" component new "$scratch/embedded.wasm" -o "${1:-stream-component.wasm}"
