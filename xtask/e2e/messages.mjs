// Sends one request with the official SDK for Node.js, and prints its result and the head of the response.
//
//     messages.mjs BASE_URL API_KEY REQUEST_ID BODY PIECES
//
// BODY is the request as JSON. With PIECES, the client disconnects from a stream after this number of events.

import { createRequire } from "node:module";

const { Anthropic } = createRequire(`${process.env.NODE_FOLDER}/`)("@anthropic-ai/sdk");
const [baseURL, apiKey, requestId, body, pieces] = process.argv.slice(2);

const heads = [];
const client = new Anthropic({
  baseURL, apiKey, maxRetries: 0, defaultHeaders: { "X-Request-Id": requestId },
  fetch: async (url, options) => {
    const response = await fetch(url, options);
    heads.push({ status: response.status, headers: Object.fromEntries(response.headers), version: "HTTP/1.1" });
    return response;
  },
});

async function play(request) {
  const response = await client.messages.create(request);
  if (!request.stream) return response;
  const events = [];
  for await (const event of response) {
    events.push(event);
    if (Number(pieces) && events.length >= Number(pieces)) break;
  }
  return events;
}

let result;
try {
  result = await play(JSON.parse(body));
} catch (error) {
  if (!(error instanceof Anthropic.APIError)) throw error;
  const retry = error.headers?.get("retry-after") ?? null;
  result = { class: error.constructor.name, message: error.message, status: error.status, body: error.error, retry };
}
console.log(JSON.stringify({ result, heads }));
