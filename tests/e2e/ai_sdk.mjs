// One conversation by the Vercel AI SDK: reads a job as JSON from stdin and tells on stdout what came of it.
//
// The job: `baseURL`, `apiKey`, `model`; `door` (responses, chat, compatible); `streamed`; `messages`; and if wanted
// `options` (the provider's own), `tools` (offers `look`, which answers itself), `object` (an answer by
// schema), `leaveAfter` (leaves the stream after as many pieces of text), `retries`.

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const job = JSON.parse(Buffer.concat(chunks).toString("utf8"));

const told = { baseURL: job.baseURL, apiKey: job.apiKey };
const model = {
  responses: () => createOpenAI(told).responses(job.model),
  chat: () => createOpenAI(told).chat(job.model),
  compatible: () => createOpenAICompatible({ name: "turnout", includeUsage: true, ...told })(job.model),
}[job.door]();

const look = tool({
  description: "Looks.",
  inputSchema: z.object({ at: z.string() }),
  execute: async ({ at }) => `seen ${at}`,
});

const leaving = new AbortController();
const asked = {
  model,
  messages: job.messages,
  providerOptions: { [job.door === "compatible" ? "turnout" : "openai"]: job.options ?? {} },
  maxRetries: job.retries ?? 0,
  stopWhen: isStepCount(5),
  abortSignal: leaving.signal,
  ...(job.tools ? { tools: { look } } : {}),
  ...(job.object ? { output: Output.object({ schema: z.object({ track: z.number() }) }) } : {}),
};

try {
  console.log(JSON.stringify(job.streamed ? await streamed() : await whole()));
} catch (error) {
  const { name, message, statusCode, isRetryable } = error.lastError ?? error;
  console.log(JSON.stringify({ error: { name, message, statusCode, isRetryable } }));
}

async function whole() {
  return summary(await generateText(asked));
}

async function streamed() {
  const result = streamText({ ...asked, onError: () => {} });
  const kinds = [];
  let texts = 0;
  for await (const part of result.stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "abort") return { kinds };
    if (kinds.at(-1) !== part.type) kinds.push(part.type);
    if (part.type === "text-delta" && ++texts === job.leaveAfter) leaving.abort();
  }
  return { kinds, ...(await summary(result)) };
}

async function summary(result) {
  const steps = await result.steps;
  return {
    text: await result.text,
    object: job.object ? await result.output : null,
    steps: steps.map((step) => ({
      reasoning: step.reasoningText ?? null,
      calls: step.toolCalls.map((call) => call.input),
      results: step.toolResults.map((answer) => answer.output),
      reason: step.finishReason,
      usage: step.usage,
      warnings: step.warnings ?? [],
      response: step.response.id,
    })),
    messages: await result.responseMessages,
  };
}
