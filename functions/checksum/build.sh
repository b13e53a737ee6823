# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/checksum.wasm]
# Built with: asc 0.28.20
cd "$(dirname "$0")" || exit
exec "${ASC:-../../node_modules/.bin/asc}" assembly/checksum.ts -O3 --noAssert --uncheckedBehavior always --runtime stub --use abort= --exportStart _start -o "${1:-checksum.wasm}"
