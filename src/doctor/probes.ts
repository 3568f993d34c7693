import { accountProbe, runtimeProbe } from "./account.ts";
import { cacheHealthProbe } from "./cache-health.ts";
import { clockProbe } from "./clock.ts";
import { configurationProbe } from "./configuration.ts";
import { containerProbe, squashfsProbe, writeFakeProbe } from "./container.ts";
import type { Probe } from "./finding.ts";
import { fuseProbe, namespaceProbe, overlayProbe } from "./kernel.ts";
import { loginProbe } from "./login.ts";
import { dataDirectoryProbe, imageCacheProbe, imageStorageProbe } from "./places.ts";
import { chImageProbe, chRunProbe, gitlabRunnerProbe, mksquashfsProbe } from "./programs.ts";
import { registriesProbe } from "./registries.ts";
import { schedulerProbe, submissionProbe } from "./scheduler.ts";

/** In the order of the report: what others build on comes first. */
export const PROBES: readonly Probe[] = [
  configurationProbe,
  accountProbe,
  loginProbe,
  runtimeProbe,
  gitlabRunnerProbe,
  dataDirectoryProbe,
  clockProbe,
  namespaceProbe,
  overlayProbe,
  fuseProbe,
  chRunProbe,
  chImageProbe,
  mksquashfsProbe,
  containerProbe,
  squashfsProbe,
  writeFakeProbe,
  imageCacheProbe,
  cacheHealthProbe,
  imageStorageProbe,
  registriesProbe,
  schedulerProbe,
  submissionProbe,
];
