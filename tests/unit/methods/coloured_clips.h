#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "methods/emoclip/options.h"
#include "mien/image/decode.h"

namespace mien::methods {

// Clips of coloured pictures: the class decides the colour, the clip its shade.
inline void write_clips(const std::filesystem::path& dir, int clips, int frames, bool captions) {
  std::filesystem::create_directories(dir / "faces");
  std::ofstream csv(dir / "faces.csv");
  csv << "path,label,sequence,subject,frame,split,caption,score\n";
  const std::vector<std::string> classes = {"angry", "happy", "sad", "surprise"};
  for (int c = 0; c < clips; ++c) {
    for (int f = 0; f < frames; ++f) {
      image::Image picture(16, 16);
      for (int y = 0; y < 16; ++y) {
        for (int x = 0; x < 16; ++x) {
          std::uint8_t* pixel = picture.row(y) + 3 * x;
          pixel[c % 4 % 3] = static_cast<std::uint8_t>(c % 4 == 3 ? 60 : 40 + 6 * c);
          pixel[(c % 4 + 1) % 3] = static_cast<std::uint8_t>((x * (c % 5) * 9 + 3 * f) % 256);
          pixel[(c % 4 + 2) % 3] = static_cast<std::uint8_t>((y * (c % 7) * 7) % 256);
        }
      }
      const auto png = image::encode_png(picture);
      if (!png.ok()) throw std::runtime_error(png.status().message());
      const std::string name = "faces/" + std::to_string(c) + "_" + std::to_string(f) + ".png";
      std::ofstream(dir / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
      csv << name << "," << classes[static_cast<std::size_t>(c % 4)] << ",c" << c << ",s" << c / 2
          << "," << f << "," << (c % 4 == 3 && clips > 40 ? "val" : "train") << ",";
      if (captions) csv << "clip number " << c << " of the set";
      csv << "," << 0.1 * c << "\n";
    }
  }
}

inline EmoclipRecipe small_recipe() {
  EmoclipRecipe out;
  out.data.train = "faces.csv";
  out.data.unit = "sequence";
  out.data.val_split = "train";
  out.model.tower = {.embed = 32,
                     .image_size = 16,
                     .patch = 8,
                     .width = 32,
                     .layers = 1,
                     .heads = 2,
                     .text_width = 32,
                     .text_layers = 1,
                     .text_heads = 2};
  out.model.temporal = "conventional";
  out.model.temporal_layers = 1;
  out.model.trains = "all";
  out.training.frames = 3;
  out.training.batch = 8;
  out.training.preprocess = "clip";
  out.training.augment = {};
  out.data.max_bad_share = 0.2;
  return out;
}

}  // namespace mien::methods
