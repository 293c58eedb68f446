mien_fuzz(video LIBS mien::video)
