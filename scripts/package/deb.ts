import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../harden-table.ts";
import { contentOf, type PackageFile } from "./files.ts";
import {
  DESCRIPTION,
  GLIBC,
  MAINTAINER,
  type PackageInput,
  RELEASE,
  SUGGESTED,
  SUMMARY,
  sortedVersion,
} from "./info.ts";
import { runTool, stage } from "./stage.ts";

const ARCHITECTURES: Readonly<Record<Architecture, string>> = { x64: "amd64", arm64: "arm64" };

/** Makes the Debian package and returns its path. */
export function makeDeb(input: PackageInput): string {
  const { scratch, files, time, compression } = input;
  const root = join(scratch, "deb");
  mkdirSync(root);
  const control: PackageFile[] = [
    { path: "/DEBIAN/control", mode: 0o644, content: controlFile(input) },
    { path: "/DEBIAN/md5sums", mode: 0o644, content: checksums(files) },
  ];
  stage(root, [...files, ...control], time);
  const version = `${sortedVersion(input.version)}-${RELEASE}`;
  const made = join(input.outdir, `jacamar_${version}_${ARCHITECTURES[input.architecture]}.deb`);
  // One thread: with several, xz writes other bytes where memory is short.
  const how = ["--root-owner-group", `-Z${compression}`, "--threads-max=1"];
  runTool(["dpkg-deb", ...how, "--build", root, made], { SOURCE_DATE_EPOCH: String(time) });
  return made;
}

function controlFile({ version, architecture, files }: PackageInput): string {
  const bytes = files.reduce((sum, file) => sum + contentOf(file).length, 0);
  return [
    "Package: jacamar",
    `Version: ${sortedVersion(version)}-${RELEASE}`,
    `Architecture: ${ARCHITECTURES[architecture]}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    `Depends: libc6 (>= ${GLIBC}), bash (>= 4.2)`,
    `Suggests: ${SUGGESTED.deb.join(", ")}`,
    "Section: admin",
    "Priority: optional",
    `Description: ${SUMMARY}`,
    ...DESCRIPTION.map((line) => ` ${line}`),
    "",
  ].join("\n");
}

function checksums(files: readonly PackageFile[]): string {
  const lines = files.map((file) => {
    const md5 = createHash("md5").update(contentOf(file)).digest("hex");
    return `${md5}  ${file.path.slice(1)}\n`;
  });
  return lines.join("");
}
