// What the streams look for when they are loaded.
import { AbortController, AbortSignal } from "valor:abort";
import { structuredClone } from "valor:clone";
import { define } from "valor:define";

define({ AbortController, AbortSignal, structuredClone });
