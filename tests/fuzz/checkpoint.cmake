mien_fuzz(safetensors LIBS mien::checkpoint)
mien_fuzz(torch LIBS mien::checkpoint)
mien_fuzz(onnx LIBS mien::checkpoint)
