#include "methods/compact/options.h"

namespace mien::methods {

void CompactModelOptions::register_options(OptionSet& set) {
  set.add("image", image, "Bundle with a residual tower; empty: a random one of `tower`");
  set.add("text", text,
          "Folder of an earlier run, or bundle, to start the text tower from; empty: random");
  set.add("words", words, "Folder with words.txt and words.safetensors");
  set.add("wordnet", wordnet, "Folder with WordNet's data files");
  set.add("context", context, "Maximum number of words in a text", {1, 1000});
  set.add("width", width, "Width of the text tower", {16, 4096});
  set.add("layers", layers, "Number of layers of the text tower", {1, 64});
  set.add("heads", heads, "Number of heads of the text tower", {1, 64});
}

void GlossTraining::register_options(OptionSet& set) {
  set.add("epochs", epochs, "Epochs; 0: none", {0, 1e6});
  set.add("batch", batch, "Pairs per step", {2, 65536});
  set.add("longest", longest, "Maximum number of words to read of a gloss", {1, 1000});
  set.add("held_out", held_out, "Share of the senses to hold out for tests", {0, 0.5});
  set.add("topics", topics, "Share of a batch that is about feelings", {0, 1});
  set.add("adjectives", adjectives, "Share of a batch that are adjectives", {0, 1});
  set.add("spelling", spelling, "Probability of replacing a word by its trigrams", {0, 1});
  set.add("synonyms", synonyms, "Share of pairs that are two words", {0, 1});
}

void CompactTraining::register_options(OptionSet& set) {
  set.add("epochs", epochs, "Epochs against captions and class texts; 0: none", {0, 1e6});
  set.add("batch", batch, "Pictures per step", {2, 65536});
  set.add("views", views, "Copies of each picture, all but the first augmented", {1, 64});
  set.add("label_share", label_share,
          "Share of the loss of descriptions against labels; the rest is prompts against votes",
          {0, 1});
  set.add("smoothing", smoothing, "Smoothing of the target", {0, 0.99});
  set.add("caption_weight", caption_weight, "Weight of the loss against captions", {0, 100});
  set.add("geometry_weight", geometry_weight,
          "Weight of the loss against sentences on the shape of the face (geo_* columns)",
          {0, 100});
  set.add("gloss_weight", gloss_weight, "Weight of the loss of words against glosses", {0, 100});
  set.add("image_lr_factor", image_lr_factor,
          "Factor of the rate for the projection of the image tower; 0: frozen", {0, 100});
  set.add("prototype_weight", prototype_weight,
          "Weight of class texts against the prototypes of the image bundle", {0, 100});
  set.add("text_lr_factor", text_lr_factor, "Factor of the rate for the text tower", {1e-9, 100});
  set.add("balance", balance, "Draw classes by count^(1 - balance)", {0, 1});
  set.group("augment", augment);
  set.add("accept", accept, "Share of the validation part that must not be unknown", {0.5, 1});
  set.add("name", name, "Name of the bundle");
  set.add("licence", licence, "Licence of the bundle");
}

void CompactRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("tower", tower);
  set.group("model", model);
  set.group("gloss", gloss);
  set.group("compact", training);
}

}  // namespace mien::methods
