// Calls a gateway with the official SDKs for Node.js in their default settings, and prints the errors that they raise.
//
//     budgets.mjs BASE_URL

import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_FOLDER}/`);
const { OpenAI } = require("openai");
const { Anthropic } = require("@anthropic-ai/sdk");
const [base] = process.argv.slice(2);

const attempts = {};
const counted = (name) => async (url, options) => {
  attempts[name] = (attempts[name] ?? 0) + 1;
  return fetch(url, options);
};
const messages = [{ role: "user", content: "How many carrots?" }];
const openai = (name) => new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: "sk-e2e", fetch: counted(name) });
const anthropic = (name) => new Anthropic({ baseURL: `${base}/anthropic`, apiKey: "sk-e2e", fetch: counted(name) });

const calls = {
  chat: () => openai("chat").chat.completions.create({ model: "gpt-4.1", messages }),
  "chat stream": () => openai("chat stream").chat.completions.create({ model: "gpt-4.1", messages, stream: true }),
  responses: () => openai("responses").responses.create({ model: "gpt-4.1", input: "How many carrots?" }),
  messages: () => anthropic("messages").messages.create({ model: "claude-haiku-4-5", max_tokens: 9, messages }),
};

const raised = {};
for (const [name, call] of Object.entries(calls)) {
  try {
    await call();
    raised[name] = { class: null };
  } catch (error) {
    raised[name] = { class: error.constructor.name, status: error.status, message: error.message, attempts: attempts[name] };
  }
}
console.log(JSON.stringify(raised));
