mien_fuzz(boxes LIBS mien::face)
mien_fuzz(landmark_model LIBS mien::face)
