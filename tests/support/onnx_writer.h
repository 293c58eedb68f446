#pragma once

// ONNX models for tests, written field by field.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace mien::test {

/// A protocol buffers message.
class OnnxMessage {
 public:
  OnnxMessage& number(std::uint32_t field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  OnnxMessage& bytes(std::uint32_t field, const std::string& value) {
    varint(field << 3 | 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>((value & 0x7F) | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

/// A graph, built value by value.
class OnnxWriter {
 public:
  void weight(const std::string& name, const std::vector<std::int64_t>& shape,
              const std::vector<float>& values) {
    OnnxMessage tensor;
    for (const std::int64_t dim : shape) tensor.number(1, static_cast<std::uint64_t>(dim));
    std::string raw(values.size() * sizeof(float), '\0');
    if (!values.empty()) std::memcpy(raw.data(), values.data(), raw.size());
    graph_.bytes(5, tensor.number(2, 1).bytes(8, name).bytes(9, raw).text());
  }
  void node(const std::string& op, const std::vector<std::string>& inputs,
            const std::string& output,
            const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& attributes = {}) {
    OnnxMessage node;
    for (const std::string& input : inputs) node.bytes(1, input);
    node.bytes(2, output).bytes(4, op);
    for (const auto& [name, values] : attributes) {
      OnnxMessage attribute;
      attribute.bytes(1, name);
      for (const std::int64_t value : values)
        attribute.number(8, static_cast<std::uint64_t>(value));
      node.bytes(5, attribute.text());
    }
    graph_.bytes(1, node.text());
  }
  void input(const std::string& name) { graph_.bytes(11, OnnxMessage().bytes(1, name).text()); }
  void output(const std::string& name) { graph_.bytes(12, OnnxMessage().bytes(1, name).text()); }
  OnnxMessage& graph() { return graph_; }
  std::string model() const { return OnnxMessage().number(1, 6).bytes(7, graph_.text()).text(); }

 private:
  OnnxMessage graph_;
};

}  // namespace mien::test
