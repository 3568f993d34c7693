// A program that does nothing: what starting any compiled Bun program costs.
export {};
