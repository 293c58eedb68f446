mien_fuzz(tokenizer LIBS mien::text)
mien_fuzz(labels LIBS mien::text)
