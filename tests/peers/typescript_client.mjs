// A session of a TypeScript SDK (generation 1 or 2): list, call, be refused twice, and call again.
const [generation, url, key, tool, argumentsText] = process.argv.slice(2);

async function sdk() {
  if (generation === "2") return import("@modelcontextprotocol/client");
  const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
  return { Client, StreamableHTTPClientTransport };
}

const { Client, StreamableHTTPClientTransport } = await sdk();
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${key}` } },
});
const client = new Client({ name: "toolcrib-journey", version: "1.0.0" });
await client.connect(transport);
const call = { name: tool, arguments: JSON.parse(argumentsText) };
const listed = await client.listTools();
const first = await client.callTool(call);
let refused = {};
try {
  await client.callTool({ name: "nobody__listed_this", arguments: {} });
} catch (error) {
  refused = { code: error.code, data: error.data };
}
const wrong = await client.callTool({ name: tool, arguments: { unexpected: [1] } });
const again = await client.callTool(call);
await client.close();
process.stdout.write(
  JSON.stringify({
    version: transport.protocolVersion ?? "",
    tools: listed.tools.map((one) => one.name),
    first: first.content[0].text,
    refused,
    wrong: wrong.isError,
    again: again.content[0].text,
  }),
);
