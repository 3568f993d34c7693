/** `$NAME` and `${NAME}` become that variable's value, or nothing where there is none; the values are not expanded. */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_whole, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? "";
      return Object.hasOwn(variables, name) ? (variables[name] ?? "") : "";
    },
  );
}
