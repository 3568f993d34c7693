import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../harden-table.ts";
import { ownDirectories, type PackageFile } from "./files.ts";
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

const ARCHITECTURES: Readonly<Record<Architecture, string>> = { x64: "x86_64", arm64: "aarch64" };

/** Two threads by name: the bytes depend on whether there are several, not on how many. */
const PAYLOAD = { xz: "w6T2.xzdio", none: "w.ufdio" } as const;

/** Makes the RPM package and returns its path. */
export function makeRpm(input: PackageInput): string {
  const { scratch, files, time, architecture } = input;
  const [staged, topdir] = [join(scratch, "rpm"), join(scratch, "rpmbuild")];
  mkdirSync(staged);
  mkdirSync(topdir);
  stage(staged, files, time);
  const spec = join(scratch, "jacamar.spec");
  writeFileSync(spec, specFile(input));
  const target = ARCHITECTURES[architecture];
  const define = (name: string, value: string) => ["--define", `${name} ${value}`];
  runTool(
    [
      "rpmbuild",
      "-bb",
      `--target=${target}-linux`,
      ...define("_topdir", topdir),
      ...define("staged", staged),
      spec,
    ],
    // No settings of whoever builds: rpm reads ~/.rpmmacros.
    { SOURCE_DATE_EPOCH: String(time), HOME: scratch },
  );
  const name = `jacamar-${sortedVersion(input.version)}-${RELEASE}.${target}.rpm`;
  const made = join(input.outdir, name);
  renameSync(join(topdir, "RPMS", target, name), made);
  return made;
}

/** What is switched off would change the executable: stripping removes the program that is appended to it. */
function specFile({ version, files, compression }: PackageInput): string {
  return `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload ${PAYLOAD[compression]}
%global _buildhost localhost
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1

Name: jacamar
Version: ${sortedVersion(version)}
Release: ${RELEASE}
Summary: ${SUMMARY}
License: MIT
Packager: ${MAINTAINER}
AutoReqProv: no
Requires: glibc >= ${GLIBC}
Requires: bash >= 4.2
${SUGGESTED.rpm.map((name) => `Suggests: ${name}`).join("\n")}

%description
${DESCRIPTION.join("\n")}

%install
cp -a %{staged}/. %{buildroot}/

%files
${ownDirectories(files)
  .map((path) => `%dir %attr(0755,root,root) ${path}`)
  .join("\n")}
${files.map(fileLine).join("\n")}
`;
}

function fileLine({ path, mode, isLicense }: PackageFile): string {
  const kind = isLicense ? "%license " : "";
  return `${kind}%attr(${mode.toString(8).padStart(4, "0")},root,root) ${path}`;
}
