#include "text/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "core/utf8.h"
#include "text/quote.h"

namespace mien::text {
namespace {

constexpr std::size_t kMaxDepth = 8;

// Builds the tree from yaml-cpp's events. After the first problem all further events are ignored.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view subject) : subject_(subject) {}

  const Status& status() const { return status_; }
  YamlNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    fail(unsupported(at(mark) + ": anchors are not supported"));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(unsupported(at(mark) + ": aliases are not supported"));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(YamlNode::Kind::kNull, mark, "", "");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    add(YamlNode::Kind::kText, mark, tag, "tag:yaml.org,2002:str");
    if (status_.ok()) last_->text = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kList, mark, tag, "tag:yaml.org,2002:seq");
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, mark, tag, "tag:yaml.org,2002:map");
  }
  void OnMapEnd() override { close(); }

 private:
  std::string at(const YAML::Mark& mark) const { return at_line(subject_, mark.line + 1); }

  void fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  void add(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
           std::string_view known_tag) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != known_tag) {
      fail(unsupported(at(mark) + ": unknown tag " + in_quotes(tag)));
    }
    if (!status_.ok()) return;
    // Only the innermost open node grows, so pointers to the open nodes stay valid.
    last_ = open_.empty() ? &root_ : &open_.back()->items.emplace_back();
    last_->kind = kind;
    last_->line = mark.line + 1;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            std::string_view known_tag) {
    if (open_.size() >= kMaxDepth) {
      fail(resource_limit(at(mark) + ": nested too deeply (expected at most " +
                          std::to_string(kMaxDepth) + " levels)"));
    }
    add(kind, mark, tag, known_tag);
    if (status_.ok()) open_.push_back(last_);
  }

  void close() {
    if (status_.ok()) open_.pop_back();
  }

  std::string subject_;
  Status status_;
  YamlNode root_;
  YamlNode* last_ = nullptr;
  std::vector<YamlNode*> open_;
};

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

}  // namespace

std::string at_line(std::string_view subject, int line) {
  return std::string(subject) + ":" + std::to_string(line);
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view subject) {
  if (!is_valid_utf8(text)) return corrupt(std::string(subject) + ": not UTF-8 text");
  if (text.find('\0') != std::string_view::npos) {
    return corrupt(std::string(subject) + ": not text (contains a zero byte)");
  }
  TreeBuilder builder(subject);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder rest(subject);
    if (builder.status().ok() && parser.HandleNextDocument(rest)) {
      return corrupt(std::string(subject) + ": more than one YAML document");
    }
  } catch (const YAML::Exception& e) {
    if (builder.status().ok()) {
      return corrupt(at_line(subject, e.mark.line + 1) + ": not YAML (" + one_line(e.msg) + ")");
    }
  } catch (const std::exception& e) {
    return corrupt(std::string(subject) + ": not YAML (" + one_line(e.what()) + ")");
  }
  MIEN_RETURN_IF_ERROR(builder.status());
  return builder.take();
}

}  // namespace mien::text
