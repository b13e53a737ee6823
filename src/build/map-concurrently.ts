/**
 * Maps a list with a bounded number of calls under way.
 */

/** Results in the order of the items. After a failure no further call begins, and it rejects when those under way have ended. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  let hasFailed = false;
  const lane = async () => {
    for (const [index, item] of queue) {
      if (hasFailed) return;
      try {
        results[index] = await map(item);
      } catch (thrown) {
        hasFailed = true;
        throw thrown;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane));
  for (const settled of lanes) if (settled.status === "rejected") throw settled.reason;
  return results;
}
