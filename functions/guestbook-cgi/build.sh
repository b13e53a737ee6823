# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/guestbook.wasm]
# Built with: clang 14.0.6
cd "$(dirname "$0")" || exit
object=$(mktemp)
compile() { "${CLANG:-clang}" --target=wasm32-wasi --sysroot="${WASI_SYSROOT:-/usr}" "$@"; }
# In two steps, because with -O the second one would run whatever wasm-opt it finds.
compile -Os -Wall -c -o "$object" guestbook.c && compile -Wl,--strip-all -Wl,--initial-memory=1048576 -o "${1:-guestbook.wasm}" "$object"
status=$?
rm -f "$object"
exit $status
