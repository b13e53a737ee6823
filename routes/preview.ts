/**
 * The picture of a meme as PNG, for those who show no SVG: messengers, feeds, slides.
 *
 * The function `caption` draws it (functions/caption). The variable CAPTION_PATH says where that answers; where it is
 * absent there are no previews, and the SVG has to do.
 */

import type { Env, Meme } from "./model.ts";

/** Path and query of the preview, `/fn/caption/?template=two-doors&text=…&text=…`; `undefined` when nothing draws it. */
export function findPreview(meme: Meme, env: Env | undefined): string | undefined {
  if (!env?.CAPTION_PATH) return undefined;
  const texts = meme.captions.map((caption) => ["text", caption]);
  return `${env.CAPTION_PATH}?${new URLSearchParams([["template", meme.template], ...texts])}`;
}
