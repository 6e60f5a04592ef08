// The streams of the vendored web-streams-polyfill.
import "valor:early";

export * from "valor:web-streams";

/** Whether somebody has read from a stream, or cancelled it. */
export const isDisturbed = (stream) => stream !== null && stream._disturbed === true;
