import { type FileHandle, open, unlink } from "node:fs/promises";
import { errorCode, errorMessage } from "../host/files.ts";
import type { Answer } from "./exchange.ts";
import { failed, final, type Outcome } from "./problem.ts";
import { ask, insist, refusal, type Session } from "./session.ts";
import type { Answered, Descriptor, ImageTarget } from "./types.ts";

/** So much must come before a cut does not count as a failed try. */
const PROGRESS = 1024 * 1024;

/** A download across its tries. */
interface Download {
  readonly descriptor: Descriptor;
  readonly path: string;
  readonly file: FileHandle;
  readonly onBytes: (bytes: number) => void;
  hash: Bun.CryptoHasher;
  received: number;
  /** Answers that the bytes so far came from. */
  pieces: number;
}

/** See `RegistryClient.blob`. */
export async function downloadBlob(
  session: Session,
  target: ImageTarget,
  descriptor: Descriptor,
  path: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<Answered<void>> {
  let file: FileHandle;
  try {
    file = await open(path, "wx", 0o600);
  } catch (error) {
    const { problem } = fileProblem("create", path, error);
    return { ok: false, failure: problem.failure, said: problem.said };
  }
  const hash = new Bun.CryptoHasher("sha256");
  const state = { descriptor, path, file, onBytes, hash, received: 0, pieces: 0 };
  let result: Answered<void> | undefined;
  try {
    let before = 0;
    const once = () => {
      before = state.received;
      return continueDownload(session, target, state);
    };
    const moved = () => state.received - before >= PROGRESS;
    result = await insist(session, target.registry, once, moved);
    return result;
  } finally {
    await file.close();
    if (!result?.ok) await unlink(path).catch(() => {});
  }
}

async function continueDownload(
  session: Session,
  target: ImageTarget,
  download: Download,
): Promise<Outcome<void>> {
  const { received, descriptor } = download;
  const headers = received > 0 ? { Range: `bytes=${received}-` } : {};
  const request = { method: "GET", path: `blobs/${descriptor.digest}`, headers } as const;
  return ask(session, target, request, async (answer) => {
    if (answer.status === 416 && received > 0) {
      return (
        (await restart(download)) ??
        failed({
          failure: "unreachable",
          said: `${answer.what} cannot go on at ${received} bytes`,
          passing: true,
        })
      );
    }
    if (answer.status !== 200 && answer.status !== 206) return refusal(session, answer);
    const wrong = await placeOf(answer, download);
    return wrong ?? receive(answer, download);
  });
}

/** Checks where the answer's bytes belong; begins anew when it has them all again. */
async function placeOf(answer: Answer, download: Download): Promise<Outcome<void> | undefined> {
  const { received, descriptor } = download;
  if (answer.status === 206) {
    const range = answer.headers.get("content-range") ?? "";
    const start = /^bytes (\d+)-/.exec(range)?.[1];
    if (received > 0 && Number(start) === received) return undefined;
    return final("other", `${answer.what} answered with the bytes "${range}", wanted ${received}-`);
  }
  const length = answer.headers.get("content-length");
  if (length !== null && Number(length) !== descriptor.size) {
    const type = answer.headers.get("content-type") ?? "no type";
    const said = `${answer.what} has ${length} bytes (${type}), wanted ${descriptor.size}`;
    return final(/^text\/html/i.test(type) ? "other" : "corrupt", said);
  }
  return received > 0 ? restart(download) : undefined;
}

async function receive(answer: Answer, download: Download): Promise<Outcome<void>> {
  const { descriptor, path, file, onBytes } = download;
  const { digest, size } = descriptor;
  download.pieces++;
  for (let part = await answer.read(); part !== undefined; part = await answer.read()) {
    if (download.received + part.length > size)
      return final("corrupt", `${answer.what} has more than the ${size} bytes it should have`);
    download.hash.update(part);
    try {
      await writeAll(file, part, download.received);
    } catch (error) {
      return fileProblem("write", path, error);
    }
    download.received += part.length;
    onBytes(part.length);
  }
  if (download.received < size) {
    const said = `${answer.what} broke off after ${download.received} of ${size} bytes`;
    return failed({ failure: "unreachable", said, passing: true });
  }
  const found = `sha256:${download.hash.digest("hex")}`;
  if (found === digest) return { ok: true, value: undefined };
  const said = `${answer.what} has the digest ${found}`;
  // Pieces of different answers may not fit; a whole answer with other bytes stays wrong.
  const pieces = download.pieces;
  if (pieces === 1) return final("corrupt", said);
  return (await restart(download)) ?? failed({ failure: "corrupt", said, passing: true });
}

async function restart(download: Download): Promise<Outcome<void> | undefined> {
  try {
    await download.file.truncate(0);
  } catch (error) {
    return fileProblem("write", download.path, error);
  }
  download.onBytes(-download.received);
  download.hash = new Bun.CryptoHasher("sha256");
  download.received = 0;
  download.pieces = 0;
  return undefined;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await file.write(
      bytes,
      offset,
      bytes.length - offset,
      position + offset,
    );
    offset += bytesWritten;
  }
}

function fileProblem(verb: string, path: string, error: unknown) {
  const full = ["ENOSPC", "EDQUOT"].includes(errorCode(error));
  const said = `cannot ${verb} ${path}: ${errorMessage(error)}`;
  return failedFile(full ? "no-space" : "other", said);
}

function failedFile(failure: "no-space" | "other", said: string) {
  return { ok: false, problem: { failure, said, passing: false } } as const;
}
