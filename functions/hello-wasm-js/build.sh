# Rebuilds the component, or writes it to the file named: sh build.sh [/path/to/hello-wasm-js.wasm]
# Built with: componentize-qjs 0.4.5
cd "$(dirname "$0")" || exit
out=${1:-$PWD/hello-wasm-js.wasm}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
sh ../../bin/nebula build . --env source --state-dir "$folder/state" --out "$folder/built" >&2 && cp "$folder"/built/*.wasm "$out"
