// Times a tower in ONNX Runtime: node onnxruntime.mjs MODEL.onnx INPUT EMBEDDINGS '{"side":224,...}'
// Images: INPUT is raw float32, one JSON line per thread count and batch, as mien_bench prints them. Texts
// ("length" instead of "side"): INPUT is the start of the names of INPUT-COUNT.i32, `batches` are the counts, and
// `pieces` says how many texts a run gets at most; the fastest of them is told.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [model, input, embeddings, settings] = process.argv.slice(2);
const { modules, name, side, length, pieces, threads, batches, warmup, repeats, budget, precision } = JSON.parse(settings);
const require = createRequire(pathToFileURL(modules + "/"));
const ort = require("onnxruntime-node");
const { version } = require("onnxruntime-node/package.json");

const raw = (Type, file) => {
  const bytes = readFileSync(file);
  return new Type(bytes.buffer, bytes.byteOffset, bytes.length / Type.BYTES_PER_ELEMENT);
};
const bytesOf = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

async function measure(run) {
  for (let i = 0; i < warmup; ++i) await run();
  const ms = [];
  const start = performance.now();
  for (let i = 0; i < repeats; ++i) {
    if (i >= 3 && performance.now() - start > budget * 1e3) break;
    const begin = performance.now();
    await run();
    ms.push(performance.now() - begin);
  }
  return ms;
}

async function images(session, pixels, batch) {
  const tensor = new ort.Tensor("float32", pixels.subarray(0, batch * 3 * side * side), [batch, 3, side, side]);
  let result;
  const ms = await measure(async () => { result = await session.run({ pixels: tensor }); });
  writeFileSync(`${embeddings}-${precision}-b${batch}.f32`, bytesOf(result.embedding.data));
  return { group: "image", ms };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function texts(session, count) {
  const tokens = raw(Int32Array, `${input}-${count}.i32`);
  let best;
  for (const piece of pieces.filter((most) => most <= count || most === pieces[0])) {
    const tensors = [];
    for (let at = 0; at < count; at += piece) {
      const rows = Math.min(piece, count - at);
      tensors.push(new ort.Tensor("int32", tokens.subarray(at * length, (at + rows) * length), [rows, length]));
    }
    let results;
    const ms = await measure(async () => {
      results = [];
      for (const tensor of tensors) results.push((await session.run({ tokens: tensor })).embedding.data);
    });
    writeFileSync(`${embeddings}-${precision}-t${count}.f32`, Buffer.concat(results.map(bytesOf)));
    if (!best || median(ms) < median(best.ms)) best = { group: "text", piece, ms };
  }
  return best;
}

const pixels = length ? undefined : raw(Float32Array, input);
for (const count of threads) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: count,
    interOpNumThreads: 1,
  });
  for (const batch of batches) {
    const facts = length ? await texts(session, batch) : await images(session, pixels, batch);
    console.log(JSON.stringify({
      ...facts, contender: `ONNX Runtime ${precision}`, version, model: name, precision, threads: count, batch,
    }));
  }
  await session.release();
}
