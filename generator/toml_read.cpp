/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml++ behind a C header. It keeps tables sorted by key, so the items are collected, put in the
 * order of the file and told then. Nothing throws: toml++ is built without exceptions, and memory
 * that cannot be had ends the program, which the limit on the text's size makes unlikely.
 */
extern "C" {
#include "base/error.h"
}
#include "generator/toml_read.h"

/* toml++ 3.3 asserts, or in releases has the compiler assume, what a file such as "[#" proves
 * wrong, and goes on to report the error all the same. */
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY        1
#define TOML_EXCEPTIONS         0
#define TOML_ENABLE_FORMATTERS  0
#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace
{

struct Item {
    TomlKind kind;
    bool element;
    bool boolean;
    std::string path;
    std::string text;
    toml::source_position at;
};

class Collector
{
  public:
    std::vector<Item> items;

    void table(const toml::table &table, const std::string &path)
    {
        for (auto &&[key, node] : table) {
            std::string name = path.empty() ? std::string() : path + ".";
            name += std::string_view(key);
            value(node, name, false);
        }
    }

  private:
    Item &add(TomlKind kind, bool element, const std::string &path, const toml::node &node)
    {
        items.push_back({kind, element, false, path, std::string(), node.source().begin});
        return items.back();
    }

    void value(const toml::node &node, const std::string &path, bool element)
    {
        if (const auto *inner = node.as_table()) {
            add(TOML_TABLE, element, path, node);
            table(*inner, path);
        } else if (const auto *array = node.as_array()) {
            add(TOML_ARRAY, element, path, node);
            for (const toml::node &entry : *array)
                value(entry, path, true);
        } else if (const auto *text = node.as_string()) {
            add(TOML_STRING, element, path, node).text = text->get();
        } else if (const auto *boolean = node.as_boolean()) {
            add(TOML_BOOLEAN, element, path, node).boolean = boolean->get();
        } else {
            add(TOML_OTHER, element, path, node);
        }
    }
};

bool is_before(const Item &a, const Item &b)
{
    return a.at.line != b.at.line ? a.at.line < b.at.line : a.at.column < b.at.column;
}

/*
 * toml++ 3.3 takes it for impossible that a character from U+FEA6 to U+FEFE comes where a blank may
 * be, and then anything may happen. Such a one is found by its first two bytes of three.
 */
const char *find_harmful(const char *text, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++) {
        const bool byte_order_mark = i == 0 && length > 2 && text[2] == '\xBF';
        if (text[i] == '\xEF' && (text[i + 1] == '\xBA' || text[i + 1] == '\xBB') &&
            !byte_order_mark)
            return text + i;
    }
    return nullptr;
}

} // namespace

int toml_read(const char *name, const char *text, size_t length, TomlSink *sink, void *context,
              Error *err)
{
    const char *harmful = find_harmful(text, length);
    if (harmful)
        return (error_set)(err, -EINVAL,
                           "%s:%u: a character that the reader of TOML cannot take (U+FE80 to "
                           "U+FEFF)",
                           name, 1 + (unsigned)std::count(text, harmful, '\n'));

    const toml::parse_result parsed = toml::parse(std::string_view(text, length));
    Collector collector;

    if (!parsed) {
        const toml::parse_error &error = parsed.error();
        const std::string what(error.description());
        return (error_set)(err, -EINVAL, "%s:%u:%u: %s", name, error.source().begin.line,
                           error.source().begin.column, what.c_str());
    }
    collector.table(parsed.table(), std::string());
    std::stable_sort(collector.items.begin(), collector.items.end(), is_before);
    for (const Item &item : collector.items) {
        const TomlItem told = {item.kind,    item.element, item.path.c_str(), item.text.c_str(),
                               item.boolean, item.at.line, item.at.column};
        if (item.text.find('\0') != std::string::npos || item.path.find('\0') != std::string::npos)
            return (error_set)(err, -EINVAL, "%s:%u:%u: a NUL byte", name, told.line, told.column);
        const int r = sink(context, &told, err);
        if (r < 0)
            return r;
    }
    return 0;
}
