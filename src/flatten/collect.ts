/** Members after which their remains are removed. */
const MEMBERS = 4096;

let left = MEMBERS;

/**
 * To be called for each member that is gone through, whatever for: collects garbage now and then. Left alone, the engine
 * lets 32 MB pile up before it does, and keeps that memory.
 */
export function collect(): void {
  if (--left > 0) return;
  left = MEMBERS;
  Bun.gc(true);
}
