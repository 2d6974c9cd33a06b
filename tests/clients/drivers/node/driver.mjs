// The TypeScript SDK as a program: see ../README.md. `node driver.mjs sdk-new` or `node driver.mjs sdk-0x`.
import { readFileSync } from "node:fs";

const { default: Anthropic, toFile } = await import(process.argv[2]);

const MODEL = "claude-sonnet-4-6";
const ASK = [{ role: "user", content: "Say something about the sea." }];
const TOOL = {
  name: "get_weather",
  description: "Weather at a place",
  input_schema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
};

function ofMessage(message) {
  return {
    text: message.content.filter((block) => block.type === "text").map((block) => block.text).join(""),
    model: message.model,
    stop_reason: message.stop_reason,
    input_tokens: message.usage.input_tokens,
    output_tokens: message.usage.output_tokens,
  };
}

// Each gives what the SDK made of the answer, and the answer's headers.
const scenes = {
  async message(client, model, options) {
    const body = { model, max_tokens: 1000, messages: ASK };
    const { data, response } = await client.messages.create(body, options).withResponse();
    return [ofMessage(data), response.headers];
  },
  async stream(client, model, options) {
    const stream = client.messages.stream({ model, max_tokens: 1000, messages: ASK }, options);
    const pieces = [];
    stream.on("text", (piece) => pieces.push(piece));
    const message = await stream.finalMessage();
    return [{ ...ofMessage(message), pieces: pieces.length, joined: pieces.join("") }, stream.response.headers];
  },
  async tool(client, model, options) {
    const choice = { type: "tool", name: TOOL.name };
    const body = { model, max_tokens: 1000, messages: ASK, tools: [TOOL], tool_choice: choice };
    const { data, response } = await client.messages.create(body, options).withResponse();
    const used = data.content.find((block) => block.type === "tool_use");
    return [{ tool: used.name, input: used.input, stop_reason: data.stop_reason }, response.headers];
  },
  async count_tokens(client, model, options) {
    const { data, response } = await client.messages.countTokens({ model, messages: ASK }, options).withResponse();
    return [{ input_tokens: data.input_tokens }, response.headers];
  },
  async models(client, model, options) {
    const { data, response } = await client.models.list({}, options).withResponse();
    const ids = [];
    for await (const listed of data) ids.push(listed.id);
    return [{ ids }, response.headers];
  },
  async upload(client, model, options) {
    const file = await toFile(Buffer.from("waves".repeat(1000)), "sea.txt", { type: "text/plain" });
    const { data, response } = await client.files.upload({ file }, options).withResponse();
    return [{ filename: data.filename, size: data.size_bytes, mime_type: data.mime_type }, response.headers];
  },
  async batch_results(client, model, options) {
    const params = { model, max_tokens: 1000, messages: ASK };
    const requests = ["one", "two"].map((custom_id) => ({ custom_id, params }));
    const { data, response } = await client.messages.batches.create({ requests }, options).withResponse();
    const batch = await client.messages.batches.retrieve(data.id, {}, options);
    const results = [];
    for await (const line of await client.messages.batches.results(batch.id, {}, options)) {
      results.push([line.custom_id, line.result.type]);
    }
    const ours = String(batch.results_url).startsWith(client.baseURL);
    return [{ results: results.sort(), results_url_is_under_base_url: ours }, response.headers];
  },
};

function ofSidecar(headers) {
  const names = ["route", "attempts", "cause"];
  return Object.fromEntries(names.map((name) => [name, headers?.get?.(`x-claude-sidecar-${name}`) ?? null]));
}

async function play(client, scene) {
  const options = { headers: scene.headers ?? {} };
  try {
    const [ok, headers] = await scenes[scene.do](client, scene.model ?? MODEL, options);
    return { name: scene.name, ok, ...ofSidecar(headers) };
  } catch (error) {
    const told = {
      class: error.constructor.name,
      status: error.status ?? null,
      type: error.status ? (error.type ?? error.error?.error?.type ?? null) : String(error),
      request_id: error.requestID ?? null,
    };
    return { name: scene.name, error: told, ...ofSidecar(error.headers) };
  }
}

const asked = JSON.parse(readFileSync(0, "utf8"));
const options = "max_retries" in asked ? { maxRetries: asked.max_retries } : {};
if ("read_timeout_s" in asked) options.timeout = asked.read_timeout_s * 1000;
const client = new Anthropic({ baseURL: asked.base_url, apiKey: asked.key, ...options });
for (const scene of asked.scenes) {
  console.log(JSON.stringify(await play(client, scene)));
}
