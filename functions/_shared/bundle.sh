# Makes server.js, which containers run, one file of what is here: sh bundle.sh [/path/to/server.js]
# An image is built of its function's folder alone, so that each of them has a copy.
cd "$(dirname "$0")" || exit
made="Made by functions/_shared/bundle.sh."
bundle() {
  ../../node_modules/.bin/esbuild server.js --bundle --platform=node --format=esm --log-level=warning --outfile="$1" \
    --banner:js="// $made
// biome-ignore-all lint: made of other files
// biome-ignore-all format: made of other files
// biome-ignore-all assist: made of other files"
}
if [ $# -gt 0 ]; then
  bundle "$1"
else
  bundle ../markdown/server.js && cp ../markdown/server.js ../caption/server.js
fi
