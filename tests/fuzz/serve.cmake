mien_fuzz(serve_request LIBS mien::serve)
