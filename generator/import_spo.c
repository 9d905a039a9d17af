/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom resources of the Security Profiles Operator in YAML (or JSON, which is YAML):
 * SeccompProfile and AppArmorProfile, of which a file may have several.
 *
 * A SeccompProfile's spec is the profile that container engines take, so it is written as JSON and
 * read as such; each line of that stands where it stood in the file, so that errors name it.
 */
#include "generator/import_spo.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "model/yaml_error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

enum { DEPTH_MAX = 32, DOCUMENTS_MAX = 256, ITEMS_MAX = 1024 };

static const char group[] = "security-profiles-operator.x-k8s.io/";

/* ---- nodes ---------------------------------------------------------------------------------- */

const char *spo_text(const yaml_node_t *node)
{
    if (!node || node->type != YAML_SCALAR_NODE ||
        memchr(node->data.scalar.value, '\0', node->data.scalar.length))
        return NULL;
    return (const char *)node->data.scalar.value;
}

static yaml_node_t *get(yaml_document_t *document, const yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *name = spo_text(yaml_document_get_node(document, pair->key));
        if (name && strcmp(name, key) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

yaml_node_t *spo_get(const Spo *spo, const yaml_node_t *node, const char *key)
{
    return get(spo->document, node, key);
}

int spo_error(const Spo *spo, const yaml_node_t *node, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)error_set(spo->err, -EINVAL, "%s", text);
    return yaml_error_at(spo->source->name, &node->start_mark, -EINVAL, spo->err);
}

void spo_note(const Spo *spo, const yaml_node_t *node, const char *text)
{
    (void)buffer_printf(spo->notes, "%s:%zu: %s\n", spo->source->name, node->start_mark.line + 1,
                        text);
}

int spo_check_keys(const Spo *spo, const yaml_node_t *node, const char *what,
                   const char *const *keys)
{
    if (!node)
        return 0;
    if (node->type != YAML_MAPPING_NODE)
        return spo_error(spo, node, "%s is a mapping", what);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(spo->document, pair->key);
        const char *name = spo_text(key);
        size_t i = 0;
        while (keys[i] && (!name || strcmp(keys[i], name) != 0))
            i++;
        if (keys[i])
            continue;
        const char *near = name ? nearest_word(name, keys) : NULL;
        return spo_error(spo, key, "%s has no key \"%.100s\"%s%s%s", what, name ? name : "",
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return 0;
}

/* ---- documents ------------------------------------------------------------------------------ */

static void parser_deinit(yaml_parser_t *parser)
{
    yaml_parser_delete(parser);
}

static int begin(const ImportSource *source, yaml_parser_t *parser, Error *err)
{
    if (!yaml_parser_initialize(parser))
        return error_errno(err, -ENOMEM, "%s", source->name);
    yaml_parser_set_input_string(parser, (const unsigned char *)source->text, source->length);
    return 0;
}

/* Refuses what makes a tree larger than its text, or too deep to walk. */
static int check_event(const ImportSource *source, const yaml_event_t *event, unsigned *depth,
                       Error *err)
{
    if (event->type == YAML_ALIAS_EVENT)
        (void)error_set(err, -EINVAL, "write out what the alias stands for");
    else if ((event->type == YAML_MAPPING_START_EVENT ||
              event->type == YAML_SEQUENCE_START_EVENT) &&
             ++*depth > DEPTH_MAX)
        (void)error_set(err, -EINVAL, "this is nested too deep");
    else
        *depth -= event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT;
    return err->code ? yaml_error_at(source->name, &event->start_mark, -EINVAL, err) : 0;
}

static int check_events(const ImportSource *source, Error *err)
{
    CLEANUP(parser_deinit) yaml_parser_t parser;
    Error why = {0};
    unsigned depth = 0;
    bool end = false;
    int r = begin(source, &parser, err);

    while (r == 0 && !end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event))
            return yaml_error_set(source->name, &parser, err);
        end = event.type == YAML_STREAM_END_EVENT;
        r = check_event(source, &event, &depth, &why);
        yaml_event_delete(&event);
    }
    return why.code ? error_set(err, r, "%s", why.text) : r;
}

/* What is looked for among the resources, and what there is. */
typedef struct Search {
    Spo *spo;
    size_t found;
    Buffer names; /* of those that can be imported */
    char other[64];
} Search;

static void search_deinit(Search *search)
{
    buffer_deinit(&search->names);
}

static bool is_profile(const char *kind)
{
    return strcmp(kind, "SeccompProfile") == 0 || strcmp(kind, "AppArmorProfile") == 0;
}

/* True if NODE is the first that is wanted. */
static bool look(Search *search, yaml_document_t *document, yaml_node_t *node)
{
    Spo *spo = search->spo;
    const char *kind = spo_text(get(document, node, "kind"));
    const char *name = spo_text(get(document, get(document, node, "metadata"), "name"));
    const char *wanted = spo->source->profile;

    if (!kind)
        return false;
    if (!is_profile(kind)) {
        (void)snprintf(search->other, sizeof search->other, "%s", kind);
        return false;
    }
    if (search->names.length < 500)
        (void)buffer_printf(&search->names, "%s%.100s", search->names.length ? ", " : "",
                            name ? name : "(without a name)");
    if (wanted && (!name || strcmp(name, wanted) != 0))
        return false;
    if (search->found++ > 0) /* one too many, of a document that does not stay */
        return false;
    spo->resource = node;
    spo->kind = kind;
    spo->name = name ? name : "";
    return true;
}

/* A document's root, or the items of a list. Is one of them the first that is wanted? */
static bool look_all(Search *search, yaml_document_t *document)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    const yaml_node_t *items = root ? get(document, root, "items") : NULL;
    bool found = false;

    if (!items || items->type != YAML_SEQUENCE_NODE)
        return root && look(search, document, root);
    for (const yaml_node_item_t *item = items->data.sequence.items.start;
         item < items->data.sequence.items.top && search->found < ITEMS_MAX; item++)
        found |= look(search, document, yaml_document_get_node(document, *item));
    return found;
}

static int not_one(const Search *search, Error *err)
{
    const ImportSource *source = search->spo->source;
    const char *names = buffer_text(&search->names);

    if (search->found > 1)
        return error_set(err, -EINVAL,
                         source->profile
                             ? "%.200s: several profiles in it are called so; import them one by "
                               "one: %s"
                             : "%.200s: there are several profiles in it; --profile says which: %s",
                         source->name, names);
    if (*names)
        return error_set(err, -EINVAL, "%.200s: there is no profile \"%.100s\" in it, but: %s",
                         source->name, source->profile ? source->profile : "", names);
    return error_set(err, -EINVAL,
                     "%.200s: there is no SeccompProfile and no AppArmorProfile in it%s%s%s",
                     source->name, search->other[0] ? ", but kind \"" : "", search->other,
                     search->other[0] ? "\"" : "");
}

/* ---- SeccompProfile ------------------------------------------------------------------------- */

/* A scalar that is a number, true, false or nothing is that; else a text. */
static bool is_plain(const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    const size_t length = node->data.scalar.length;
    const size_t sign = *text == '-';

    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0)
        return true;
    return length > sign && strspn(text + sign, "0123456789") == length - sign &&
           (text[sign] != '0' || length == sign + 1);
}

static void append_scalar(Buffer *out, const yaml_node_t *node, bool key)
{
    const unsigned char *text = node->data.scalar.value;

    if (!key && is_plain(node)) {
        (void)buffer_puts(out, (const char *)text);
        return;
    }
    (void)buffer_putc(out, '"');
    for (size_t i = 0; i < node->data.scalar.length; i++) {
        if (text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
            (void)buffer_printf(out, "\\u%04x", text[i]);
        else
            (void)buffer_putc(out, (char)text[i]);
    }
    (void)buffer_putc(out, '"');
}

static void append_json(const Spo *spo, const yaml_node_t *node, Buffer *out, size_t *line);

static void begin_line(const yaml_node_t *node, Buffer *out, size_t *line)
{
    for (; *line < node->start_mark.line; ++*line)
        (void)buffer_putc(out, '\n');
}

static void append_mapping(const Spo *spo, const yaml_node_t *node, Buffer *out, size_t *line)
{
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;

    (void)buffer_putc(out, '{');
    for (const yaml_node_pair_t *pair = first; pair < node->data.mapping.pairs.top; pair++) {
        (void)buffer_puts(out, pair > first ? ", " : "");
        const yaml_node_t *key = yaml_document_get_node(spo->document, pair->key);
        begin_line(key, out, line);
        if (key->type == YAML_SCALAR_NODE)
            append_scalar(out, key, true);
        else /* which is no JSON: the reader says so, and where */
            append_json(spo, key, out, line);
        (void)buffer_puts(out, ": ");
        append_json(spo, yaml_document_get_node(spo->document, pair->value), out, line);
    }
    (void)buffer_putc(out, '}');
}

/* NODE as JSON that begins on its own line of the file, *LINE being the one that is written. */
static void append_json(const Spo *spo, const yaml_node_t *node, Buffer *out, size_t *line)
{
    begin_line(node, out, line);
    if (node->type == YAML_SCALAR_NODE) {
        append_scalar(out, node, false);
    } else if (node->type == YAML_MAPPING_NODE) {
        append_mapping(spo, node, out, line);
    } else {
        const yaml_node_item_t *first = node->data.sequence.items.start;
        (void)buffer_putc(out, '[');
        for (const yaml_node_item_t *item = first; item < node->data.sequence.items.top; item++) {
            (void)buffer_puts(out, item > first ? ", " : "");
            append_json(spo, yaml_document_get_node(spo->document, *item), out, line);
        }
        (void)buffer_putc(out, ']');
    }
}

/* Keys of a spec that no policy has. */
static const struct {
    const char *key, *note;
} spec_notes[] = {
    {"baseProfileName", "baseProfileName is not carried over: what the base profile allows is "
                        "missing. Import that too, and give both policies to `whittle generate`"},
    {"listenerPath", "listenerPath is not carried over"},
    {"listenerMetadata", "listenerMetadata is not carried over"},
    {"flags", "flags are not carried over"},
    {"targetWorkload", "targetWorkload is not carried over"}, /* of the first v1alpha1 */
    {"state", "state is not carried over: a policy is in force where it is used"},
    {"disabled", "disabled is not carried over: a policy is in force where it is used"},
    {"mode", "mode is not carried over: a policy is for enforcing"},
    {"complainMode", "complainMode is not carried over: a policy is for enforcing"},
};

static void note_spec(const Spo *spo, const yaml_node_t *spec)
{
    for (size_t i = 0; i < ARRAY_LENGTH(spec_notes); i++) {
        const yaml_node_t *node = spo_get(spo, spec, spec_notes[i].key);
        if (node)
            spo_note(spo, node, spec_notes[i].note);
    }
}

static int import_seccomp_spec(const Spo *spo, const yaml_node_t *spec, Imported *ret_imported)
{
    static const char *const keys[] = {"defaultAction",
                                       "architectures",
                                       "syscalls",
                                       "baseProfileName",
                                       "disabled",
                                       "listenerPath",
                                       "listenerMetadata",
                                       "flags",
                                       "state",
                                       "targetWorkload",
                                       NULL};
    CLEANUP(buffer_deinit) Buffer json = BUFFER_INIT;
    size_t line = 0;
    int r = spo_check_keys(spo, spec, "spec of a SeccompProfile", keys);

    if (r < 0)
        return r;
    append_json(spo, spec, &json, &line);
    if (json.error)
        return error_errno(spo->err, json.error, "%s", spo->source->name);
    const ImportSource source = {
        .name = spo->source->name, .text = buffer_text(&json), .length = json.length};
    return import_seccomp(&source, ret_imported, spo->notes, spo->err);
}

/* ---- AppArmorProfile ------------------------------------------------------------------------ */

/* "policy: |": the profile as text, read where it stands. */
static int import_policy_text(const Spo *spo, const yaml_node_t *policy, Imported *ret_imported)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    const char *profile = spo_text(policy);

    if (!profile)
        return spo_error(spo, policy, "policy is an AppArmor profile as a text");
    for (size_t line = 0; line < policy->start_mark.line; line++)
        (void)buffer_putc(&text, '\n');
    if (policy->data.scalar.style == YAML_LITERAL_SCALAR_STYLE)
        (void)buffer_putc(&text, '\n');
    (void)buffer_puts(&text, profile);
    if (text.error)
        return error_errno(spo->err, text.error, "%s", spo->source->name);
    ImportSource source = *spo->source;
    source.text = buffer_text(&text);
    source.length = text.length;
    source.profile = NULL;
    return import_apparmor(&source, ret_imported, spo->notes, spo->err);
}

static int import_apparmor_spec(const Spo *spo, const yaml_node_t *spec, Imported *ret_imported)
{
    static const char *const keys[] = {"abstract",     "policy", "disabled", "state",
                                       "complainMode", "mode",   NULL};
    yaml_node_t *policy = spo_get(spo, spec, "policy"), *abstract = spo_get(spo, spec, "abstract");
    const int r = spo_check_keys(spo, spec, "spec of an AppArmorProfile", keys);

    if (r < 0)
        return r;
    if (policy && abstract)
        return spo_error(spo, policy, "there is an abstract profile too: leave out one of them");
    return policy ? import_policy_text(spo, policy, ret_imported)
                  : spo_import_abstract(spo, abstract, ret_imported);
}

/* ---- all together --------------------------------------------------------------------------- */

static int import_resource(const Spo *spo, Imported *ret_imported)
{
    const yaml_node_t *spec = spo_get(spo, spo->resource, "spec");
    CLEANUP(imported_deinit) Imported imported = {0};
    int r;

    if (!spec || spec->type != YAML_MAPPING_NODE)
        return spo_error(spo, spec ? spec : spo->resource, "a %s has a mapping \"spec\"",
                         spo->kind);
    r = strcmp(spo->kind, "SeccompProfile") == 0 ? import_seccomp_spec(spo, spec, &imported)
                                                 : import_apparmor_spec(spo, spec, &imported);
    if (r < 0)
        return r;
    note_spec(spo, spec);
    if (policy_name_is_valid(spo->name))
        r = policy_set_name(imported.policy, spo->name);
    if (r < 0)
        return error_errno(spo->err, r, "%s", spo->source->name);
    ret_imported->policy = TAKE(imported.policy);
    return 0;
}

/* Of the documents the one that is wanted stays; all are looked at, to know if it is the only one.
 */
static int find(const ImportSource *source, Search *search, yaml_document_t *kept, bool *has_kept,
                Error *err)
{
    CLEANUP(parser_deinit) yaml_parser_t parser;
    int r = begin(source, &parser, err);

    for (size_t i = 0; r == 0; i++) {
        yaml_document_t document;
        if (i == DOCUMENTS_MAX)
            return error_set(err, -EINVAL, "%s: more than %d documents", source->name,
                             DOCUMENTS_MAX);
        if (!yaml_parser_load(&parser, &document))
            return yaml_error_set(source->name, &parser, err);
        if (!yaml_document_get_root_node(&document)) {
            yaml_document_delete(&document);
            return 0;
        }
        if (!look_all(search, &document)) {
            yaml_document_delete(&document);
            continue;
        }
        *kept = document;
        *has_kept = true;
        search->spo->document = kept;
    }
    return r;
}

int import_spo(const ImportSource *source, Imported *ret_imported, Buffer *notes, Error *err)
{
    Spo spo = {.source = source, .notes = notes, .err = err};
    CLEANUP(search_deinit) Search search = {.spo = &spo, .names = BUFFER_INIT};
    yaml_document_t document;
    bool has_document = false;
    int r = check_events(source, err);

    if (r == 0)
        r = find(source, &search, &document, &has_document, err);
    if (r == 0 && search.found != 1)
        r = not_one(&search, err);
    if (r == 0)
        r = import_resource(&spo, ret_imported);
    if (has_document)
        yaml_document_delete(&document);
    return r;
}

/* "apiVersion: security-profiles-operator.x-k8s.io/v1beta1" */
bool import_spo_detect(const ImportSource *source)
{
    for (const char *at = strstr(source->text, "apiVersion"); at;
         at = strstr(at + 1, "apiVersion")) {
        const char *value = at + strlen("apiVersion");
        value += strspn(value, "\"': \t");
        if (strncmp(value, group, strlen(group)) == 0)
            return true;
    }
    return false;
}
