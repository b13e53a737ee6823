# Rebuilds the module, or writes it to the file named: sh build.sh [/path/to/primes.wasm]
# Built with: asc 0.28.20
cd "$(dirname "$0")" || exit
exec "${ASC:-../../node_modules/.bin/asc}" assembly/primes.ts -O3 --noAssert --runtime stub --use abort= --exportStart _initialize -o "${1:-primes.wasm}"
