mien_fuzz(json LIBS mien::core)
