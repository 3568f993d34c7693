import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type Registry, startRegistry } from "../fixtures/registry.ts";
import { makeSite, type Site, type SiteOptions } from "./site.ts";
import { pushTestImages, type TestImages } from "./test-images.ts";

/** A registry with the test images, and sites that trust it. */
export interface ContainerTests {
  readonly dir: string;
  readonly images: TestImages;
  readonly caFile: string;
  /** A site with `run_mechanism = "charliecloud"`; closed with all others. */
  site(options?: SiteOptions): Site;
  close(): Promise<void>;
}

export async function startContainerTests(): Promise<ContainerTests> {
  const dir = mkdtempSync("/var/tmp/jacamar-images-");
  const registry: Registry = await startRegistry({ dir: `${dir}/registry`, auth: "none" });
  const images = pushTestImages(registry, dir);
  const { caFile } = registry;
  const sites: Site[] = [];
  return {
    dir,
    images,
    caFile,
    site(options = {}) {
      const trust = `user_bash_env = ["REQUESTS_CA_BUNDLE=${caFile}"]`;
      const made = makeSite({
        charliecloud: [],
        ...options,
        general: [trust, ...(options.general ?? [])],
      });
      sites.push(made);
      return made;
    },
    async close() {
      for (const site of sites) site.close();
      await registry.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** The image cache of a site's user. */
export function cacheOf({ images }: Site): string {
  const name = readdirSync(images).find((one) => one.endsWith(".images"));
  return `${images}/${name}/v1`;
}

/** A job in an image that says where it runs. */
export function containerJob(name: string, more: object = {}) {
  return {
    id: 500,
    name: "in container",
    image: { name },
    script: ["cat /etc/os-release", "echo running=$CH_RUNNING"],
    ...more,
  };
}
