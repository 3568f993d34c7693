/** Directories of the kernel, which ch-run binds itself: nothing may be stored in or bound over them. */
const KERNEL_DIRECTORIES = ["/dev", "/proc", "/sys"] as const;

/**
 * An absolute path without `.`, `..`, empty components and trailing slash. Purely lexical: symbolic links are
 * not looked at. The root stays `/`.
 */
export function normalisePath(path: string): string {
  const kept: string[] = [];
  for (const component of path.split("/")) {
    if (component === "..") {
      kept.pop();
    } else if (component !== "" && component !== ".") {
      kept.push(component);
    }
  }
  return `/${kept.join("/")}`;
}

/** Whether a normalised path is the directory or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/** `/dev`, `/proc` or `/sys` when a normalised path is or lies below one of them. */
export function kernelDirectory(path: string): string | undefined {
  return KERNEL_DIRECTORIES.find((directory) => isWithin(path, directory));
}
