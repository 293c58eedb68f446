// Times an image tower in ONNX Runtime: node onnxruntime.mjs MODEL.onnx PIXELS.f32 EMBEDDINGS '{"side":224,...}'
// Prints one JSON line per thread count and batch, as mien_bench does.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [model, pixelsFile, embeddings, settings] = process.argv.slice(2);
const { modules, name, side, threads, batches, warmup, repeats, budget, precision } = JSON.parse(settings);
const require = createRequire(pathToFileURL(modules + "/"));
const ort = require("onnxruntime-node");
const { version } = require("onnxruntime-node/package.json");
const bytes = readFileSync(pixelsFile);
const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

for (const count of threads) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    intraOpNumThreads: count,
    interOpNumThreads: 1,
  });
  for (const batch of batches) {
    const input = new ort.Tensor("float32", pixels.subarray(0, batch * 3 * side * side), [batch, 3, side, side]);
    const run = () => session.run({ pixels: input });
    let result;
    for (let i = 0; i < warmup; ++i) result = await run();
    const ms = [];
    const start = performance.now();
    for (let i = 0; i < repeats; ++i) {
      if (i >= 3 && performance.now() - start > budget * 1e3) break;
      const begin = performance.now();
      result = await run();
      ms.push(performance.now() - begin);
    }
    const values = (result ?? (await run())).embedding.data;
    writeFileSync(`${embeddings}-${precision}-b${batch}.f32`, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    console.log(JSON.stringify({
      group: "image", contender: `ONNX Runtime ${precision}`, version, model: name, precision, threads: count, batch, ms,
    }));
  }
  await session.release();
}
