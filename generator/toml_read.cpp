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

/*
 * toml++ 3.3 takes for impossible what many characters beyond ASCII are, outside of texts
 * (is_non_ascii_horizontal_whitespace()), and then anything may happen. It knows what to make of
 * U+0500 to U+057F, so each byte from 0x80 on is one of these while it parses, and itself again in
 * the texts that come out. Columns thereby count bytes.
 */
std::string disguise(std::string_view text)
{
    std::string out;

    if (text.substr(0, 3) == "\xEF\xBB\xBF")
        text.remove_prefix(3);
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80)
            out.push_back(byte < 0xC0 ? '\xD4' : '\xD5');
        out.push_back(byte < 0x80 ? c : static_cast<char>(0x80 + (byte & 0x3F)));
    }
    return out;
}

std::string reveal(std::string_view text)
{
    std::string out;

    for (size_t i = 0; i < text.size(); i++) {
        const bool disguised = text[i] == '\xD4' || text[i] == '\xD5';
        if (disguised && i + 1 < text.size()) {
            const auto low = static_cast<unsigned char>(text[i + 1]) & 0x3FU;
            out.push_back(static_cast<char>((text[i] == '\xD4' ? 0x80U : 0xC0U) | low));
            i++;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

class Collector
{
  public:
    std::vector<Item> items;

    void table(const toml::table &table, const std::string &path)
    {
        for (auto &&[key, node] : table) {
            std::string name = path.empty() ? std::string() : path + ".";
            name += reveal(std::string_view(key));
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
            add(TOML_STRING, element, path, node).text = reveal(text->get());
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

} // namespace

int toml_read(const char *name, const char *text, size_t length, TomlSink *sink, void *context,
              Error *err)
{
    const std::string disguised = disguise(std::string_view(text, length));
    const toml::parse_result parsed = toml::parse(std::string_view(disguised));
    Collector collector;

    if (!parsed) {
        const toml::parse_error &error = parsed.error();
        const std::string what = reveal(error.description());
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
