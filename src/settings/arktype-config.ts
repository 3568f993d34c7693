import { configure } from "arktype/config";

// A module of its own, because it must be evaluated before arktype: without compiled validators arktype starts in half
// the time, and one file is validated per process.
configure({ jitless: true });
