// What Deno begins with: the socket to the shim, what an author finds, and then the author's module.
import { kinds, listen, send, textOf } from "./channel.mjs";
import { Exchange } from "./exchange.mjs";
import { fetch } from "./fetch.mjs";
import { installConsole } from "./log.mjs";
import { installRequest } from "./request.mjs";
import { installResponse } from "./response.mjs";
import { begin, installEvents, onRequest } from "./serve.mjs";

installConsole();
installEvents();
installRequest();
installResponse();
Object.defineProperty(globalThis, "fetch", { value: fetch, writable: true, configurable: true });

listen((kind, id, bytes) => {
  switch (kind) {
    case kinds.CONFIG: {
      const { file, env } = JSON.parse(textOf(bytes));
      return void begin(file, env);
    }
    case kinds.REQUEST: return onRequest(id, textOf(bytes));
    case kinds.RESPONSE: return Exchange.of(id)?.onResponse(JSON.parse(textOf(bytes)));
    // A copy: the author may keep or transfer what he gets.
    case kinds.DATA: return Exchange.of(id)?.receive(bytes.slice());
    case kinds.END: return Exchange.of(id)?.receive(null);
    case kinds.TOOK: return Exchange.of(id)?.took();
    case kinds.CANCEL: return Exchange.of(id)?.over(new TypeError(textOf(bytes)));
    case kinds.PING: return send(kinds.PONG, 0);
  }
});
send(kinds.HELLO, 0, Deno.version.deno);
