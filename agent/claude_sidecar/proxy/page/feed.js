// The connection to the sidecar: server-sent events, and where these are refused, questions every few seconds.

const POLL_MS = 5_000;
const SETTLED_MS = 1_000;
const STREAM_AGAIN_MS = 30_000;

/**
 * Follows the sidecar while the page is seen. A hidden page holds no stream: a browser has six connections to a
 * host, the sidecar eight streams, and tabs that nobody looks at should take none of them.
 */
export class Feed {
  #source = null;
  #timer = null;
  #callsTold = null;
  #refusedAt = 0;

  /** told: `overview(value)`, `calls(list, whole)`, oldest first unless `whole`, and `state(name)`. */
  constructor(told) {
    this.told = told;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.start()));
  }

  start() {
    this.#rest();
    if (document.hidden) return;
    const source = (this.#source = new EventSource("/events"));
    const askForCalls = () => this.#ask("/requests", (calls) => this.told.calls(calls, true));
    // At once, to be soon on the screen; and again when the stream stands, for calls that ended in between.
    askForCalls();
    source.addEventListener("open", () => {
      this.told.state("live");
      this.#timer = setTimeout(askForCalls, SETTLED_MS);
    });
    source.addEventListener("overview", (event) => this.told.overview(JSON.parse(event.data)));
    source.addEventListener("calls", (event) => this.told.calls(JSON.parse(event.data), false));
    source.addEventListener("error", () => {
      // A stream that was lost is taken up again by the browser itself, one that was refused is not.
      if (source.readyState === EventSource.CLOSED) this.#poll(source);
      else this.told.state("lost");
    });
  }

  #rest() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
  }

  #poll(refused) {
    if (refused !== this.#source) return;
    this.#source = null;
    this.#refusedAt = Date.now();
    this.#callsTold = null;
    this.#pollOnce();
  }

  async #pollOnce() {
    if (Date.now() - this.#refusedAt > STREAM_AGAIN_MS) {
      this.start();
      return;
    }
    const reached = await this.#ask("/overview", (overview) => {
      this.told.state("polling");
      this.told.overview(overview);
      const calls = overview.rollups?.start?.calls;
      if (calls === this.#callsTold) return;
      this.#callsTold = calls;
      this.#ask("/requests", (list) => this.told.calls(list, true));
    });
    if (!reached) this.told.state("lost");
    if (!this.#source && !document.hidden) this.#timer = setTimeout(() => this.#pollOnce(), POLL_MS);
  }

  /** Whether an answer came; a sidecar that is away is a state of the page, not an error of it. */
  async #ask(path, use) {
    const value = await fetch(path)
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null);
    if (value !== null) use(value);
    return value !== null;
  }
}
