# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/fibonacci.wasm]
# Built with: clang 14.0.6
cd "$(dirname "$0")" || exit
object=$(mktemp)
compile() { "${CLANG:-clang}" --target=wasm32-wasi --sysroot="${WASI_SYSROOT:-/usr}" "$@"; }
# In two steps, because with -O the second one would run whatever wasm-opt it finds.
compile -O2 -c -o "$object" fibonacci.c && compile -Wl,--strip-all -o "${1:-fibonacci.wasm}" "$object"
status=$?
rm -f "$object"
exit $status
