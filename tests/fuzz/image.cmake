mien_fuzz(image LIBS mien::image)
