/**
 * The twelve templates drawn for Academemes. The drawings are in public/templates; the zones are where they are empty.
 */

import type { Template } from "../model.ts";

export const TEMPLATES: readonly Template[] = [
  {
    id: "reviewer-two",
    title: "Reviewer 2",
    alt: "A small author with a manuscript looks up at a stern reviewer behind a huge desk, between towers of paper.",
    zones: [
      { x: 66, y: 68, width: 378, height: 256, size: 50 },
      { x: 560, y: 54, width: 570, height: 144, size: 50 },
    ],
  },
  {
    id: "two-doors",
    title: "Two doors",
    alt: "A sweating person holds a sheet of paper in front of two doors, one red and one green, with a sign above each.",
    zones: [
      { x: 82, y: 96, width: 356, height: 118, size: 48 },
      { x: 762, y: 96, width: 356, height: 118, size: 48 },
      { x: 476, y: 624, width: 248, height: 124, size: 46 },
    ],
  },
  {
    id: "balance",
    title: "The balance",
    alt: "Old scales: an iron weight sinks on the left, a feather rises on the right, and a scholar comments.",
    zones: [
      { x: 58, y: 72, width: 394, height: 114, size: 46 },
      { x: 56, y: 712, width: 316, height: 106, size: 44 },
      { x: 826, y: 516, width: 318, height: 104, size: 44 },
    ],
  },
  {
    id: "normal-hump",
    title: "The normal hump",
    alt: "A worried student with a laptop sits on top of a bell curve, a rubber duck in its left tail, an owl in its right.",
    zones: [
      { x: 100, y: 420, width: 274, height: 126, size: 42 },
      { x: 468, y: 520, width: 264, height: 176, size: 40 },
      { x: 836, y: 392, width: 272, height: 126, size: 42 },
    ],
  },
  {
    id: "coffee-oracle",
    title: "The coffee oracle",
    alt: "A pilgrim kneels with an empty mug before a coffee machine that stands in a small Greek temple.",
    zones: [
      { x: 68, y: 72, width: 414, height: 228, size: 50 },
      { x: 590, y: 54, width: 540, height: 156, size: 50 },
    ],
  },
  {
    id: "citation-tower",
    title: "The tower of citations",
    alt: "A proud author waves a flag on a wobbling tower of books, all of which rests on one tiny red booklet.",
    zones: [
      { x: 812, y: 54, width: 320, height: 118, size: 46 },
      { x: 58, y: 350, width: 344, height: 136, size: 44 },
      { x: 58, y: 630, width: 364, height: 136, size: 44 },
    ],
  },
  {
    id: "committee-of-owls",
    title: "The committee of owls",
    alt: "A mouse at a lectern defends its thesis before three owls in mortarboards behind a long bench.",
    zones: [
      { x: 62, y: 200, width: 318, height: 190, size: 46 },
      { x: 474, y: 42, width: 662, height: 134, size: 50 },
    ],
  },
  {
    id: "nod-shake",
    title: "The marble opinion",
    alt: "Two panels: above, the marble bust of a philosopher frowns and shakes its head; below, it beams and nods.",
    zones: [
      { x: 594, y: 78, width: 522, height: 314, size: 66 },
      { x: 594, y: 508, width: 522, height: 314, size: 66 },
    ],
  },
  {
    id: "four-stages",
    title: "Four stages of enlightenment",
    alt: "Four rows: a reader with one book, with a pile, with a tower and a glow, and at last floating among flying books.",
    zones: [
      { x: 530, y: 32, width: 616, height: 178, size: 54 },
      { x: 530, y: 250, width: 616, height: 178, size: 54 },
      { x: 530, y: 468, width: 616, height: 178, size: 54 },
      { x: 530, y: 686, width: 616, height: 178, size: 54 },
    ],
  },
  {
    id: "cat-on-keyboard",
    title: "The co-author",
    alt: "At night a red cat sits at a desk with its paws on the keyboard; the screen shows what it has written.",
    zones: [
      { x: 112, y: 144, width: 536, height: 318, size: 52 },
      { x: 792, y: 38, width: 356, height: 106, size: 42 },
      { x: 222, y: 762, width: 756, height: 96, size: 46 },
    ],
  },
  {
    id: "rat-interview",
    title: "The interview",
    alt: "A laboratory rat with a clipboard, in an armchair, interviews a nervous scientist on a very small stool.",
    zones: [
      { x: 68, y: 56, width: 484, height: 210, size: 50 },
      { x: 668, y: 56, width: 464, height: 190, size: 50 },
    ],
  },
  {
    id: "proof-gap",
    title: "The gap in the proof",
    alt: "A mathematician with chalk in hand leaps across a chasm that splits both the blackboard and the floor.",
    zones: [
      { x: 86, y: 106, width: 322, height: 310, size: 50, ink: "chalk" },
      { x: 440, y: 736, width: 324, height: 146, size: 42, ink: "chalk" },
      { x: 790, y: 106, width: 322, height: 310, size: 50, ink: "chalk" },
    ],
  },
];

const BY_ID = new Map(TEMPLATES.map((template) => [template.id, template]));

export function findTemplate(id: string): Template | undefined {
  return BY_ID.get(id);
}
