// Questions to the server that this page came from.

/** What people can do about a status, where the server speaks to programs; SENT is what they sent. */
const PLAIN = {
  404: "This model is not served any more. Reload the page.",
  408: "The connection is too slow: the SENT did not arrive in time. Try again.",
  413: "This SENT is larger than the server reads at once. Make it smaller.",
  500: "Something went wrong in the server. Its log says what.",
};
/** What a question sends, if not a text. */
const SENT = {"v1/caption": "picture", "v1/forecast": "series", "v1/rescore": "list"};
const BROKEN = "The server broke off in the middle of an answer. Generate again.";

let key = "";

export class Refused extends Error {
  constructor(message, status, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Keep an API key, in memory only. */
export function useKey(given) {
  // What is not ASCII cannot be sent as a header; no key has it, so that any wrong one stands for it.
  key = /^[\x21-\x7e]+$/.test(given) ? given : "?";
}

async function send(path, body, signal) {
  const headers = {"Content-Type": "application/json"};
  if (key) headers.Authorization = `Bearer ${key}`;
  const how = body === undefined ? {headers, signal} : {method: "POST", headers, body: JSON.stringify(body), signal};
  let answer;
  try {
    answer = await fetch(path, how);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Is `elman serve` still running?", 0);
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && !key) throw new Refused("This server wants its API key.", 401);
  const said = await answer.json().catch(() => null);
  const plain = PLAIN[answer.status]?.replace("SENT", SENT[path] ?? "text");
  const message = plain ?? said?.error?.message ?? `The server answered ${answer.status}.`;
  throw new Refused(message, answer.status, said?.error?.code);
}

/** The JSON answer to a POST, or to a GET where there is no body. */
export async function ask(path, body, signal) {
  return (await send(path, body, signal)).json();
}

/** Completions piece by piece. */
export async function* stream(body, signal) {
  const answer = await send("v1/completions", {...body, stream: true}, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const {done, value} = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Refused(BROKEN, 0);
    });
    if (done) throw new Refused(BROKEN, 0);
    waiting += value;
    const events = waiting.split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      const said = JSON.parse(data);
      if (said.error) throw new Refused(said.error.message, 500);
      if (said.choices?.length) yield said.choices[0].text;
    }
  }
}
