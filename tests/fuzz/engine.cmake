mien_fuzz(bundle LIBS mien::engine)
