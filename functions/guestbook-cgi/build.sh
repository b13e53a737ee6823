# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/guestbook.wasm]
# Built with: clang 14.0.6
cd "$(dirname "$0")" || exit
exec "${CLANG:-clang}" --target=wasm32-wasi --sysroot="${WASI_SYSROOT:-/usr}" -Os -Wall -Wl,--strip-all -o "${1:-guestbook.wasm}" guestbook.c
