// What the engine does for these modules; `globalThis` has it only until this line.
const host = globalThis.valorHost;
delete globalThis.valorHost;

const { encode, log, exhausted } = host;
// The engine takes no halves of surrogate pairs.
host.encode = (text) => encode(text.toWellFormed());
host.log = (level, text) => log(level, text.toWellFormed());
/** Whether this is the end of the memory, which is then dealt with: `null` when there is no room for an error. */
host.outOfMemory = (error) => (error === null || (error instanceof InternalError && error.message === "out of memory")) && exhausted();

export default host;
