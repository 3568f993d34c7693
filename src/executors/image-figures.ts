/** An image of one job, and what it took to get it: for the job's summary. What is unknown is absent; no secret in it. */
export interface ImageFigures {
  /** As it is pulled, e.g. `registry.example/group/image:tag`. */
  readonly reference: string;
  /** Absent for an image by name in a Charliecloud storage. */
  readonly digest?: string;
  /** It was there already: nothing was pulled or flattened by this job. */
  readonly hit: boolean;
  /** On disk, ready to start. */
  readonly bytes?: number;
  /** From the question for its digest to the image that is ready to start, with waiting for others. */
  readonly seconds: number;
  /** Of that: fetching manifest and layers. */
  readonly pullSeconds?: number;
  /** Of that: making one tree of them and packing it. */
  readonly flattenSeconds?: number;
}

/** The figures of two entries of one image, as one job needs them on the runner's host and on a batch job's node. */
export function together(first: ImageFigures, last: ImageFigures): ImageFigures {
  const pullSeconds = sum(first.pullSeconds, last.pullSeconds);
  const flattenSeconds = sum(first.flattenSeconds, last.flattenSeconds);
  return {
    ...last,
    hit: first.hit && last.hit,
    seconds: first.seconds + last.seconds,
    ...(pullSeconds !== undefined && { pullSeconds }),
    ...(flattenSeconds !== undefined && { flattenSeconds }),
  };
}

function sum(first: number | undefined, last: number | undefined): number | undefined {
  return first === undefined && last === undefined ? undefined : (first ?? 0) + (last ?? 0);
}
