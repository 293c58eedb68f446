mien_fuzz(json LIBS mien::core)
mien_fuzz(tar LIBS mien::core)
