/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pattern → automaton, left to right: each element is appended behind the node that is the tail;
 * "{a,b}" is a chain of splits whose branches all end in one joining node.
 */
#include "base/memory.h"
#include "generator/apparmor_text.h"
#include "generator/glob_private.h"
#include "model/policy.h"

#include <ctype.h>
#include <errno.h>

typedef struct Brace {
    uint32_t split; /* of the branch being read */
    uint32_t join;
    bool comma;
} Brace;

typedef struct Compiler {
    GlobSet *set;
    uint32_t owner;
    uint32_t tail;
    bool wild;           /* had something that is not one byte */
    bool slash;          /* the byte before was a slash, literally */
    const char *pattern; /* for messages */
    Brace braces[GLOB_DEPTH_MAX];
    unsigned depth;
} Compiler;

static int add_node(Compiler *c, GlobNodeKind kind, uint32_t bytes, uint32_t *ret_node)
{
    GlobSet *set = c->set;

    if (set->nodes_count >= GLOB_NODES_MAX)
        return -E2BIG;
    if (array_reserve(&set->nodes, &set->nodes_capacity, set->nodes_count, sizeof *set->nodes) < 0)
        return -ENOMEM;
    set->nodes[set->nodes_count] = (GlobNode){
        .kind = kind, .next = GLOB_NONE, .other = GLOB_NONE, .set = bytes, .owner = c->owner};
    *ret_node = (uint32_t)set->nodes_count++;
    return 0;
}

static int append_node(Compiler *c, GlobNodeKind kind, uint32_t bytes)
{
    uint32_t node = GLOB_NONE;
    const int r = add_node(c, kind, bytes, &node);

    if (r < 0)
        return r;
    if (c->tail == GLOB_NONE)
        c->set->patterns[c->owner].start = node;
    else
        c->set->nodes[c->tail].next = node;
    c->tail = node;
    return 0;
}

/* The number of a set of bytes, added if new. */
static int intern(GlobSet *set, const ByteSet *bytes, uint32_t *ret_id)
{
    for (size_t i = 0; i < set->sets_count; i++) {
        if (memcmp(&set->sets[i], bytes, sizeof *bytes) == 0) {
            *ret_id = (uint32_t)i + GLOB_BYTES;
            return 0;
        }
    }
    if (set->sets_count >= GLOB_SETS_MAX)
        return -E2BIG;
    if (array_reserve(&set->sets, &set->sets_capacity, set->sets_count, sizeof *set->sets) < 0)
        return -ENOMEM;
    set->sets[set->sets_count] = *bytes;
    *ret_id = (uint32_t)set->sets_count++ + GLOB_BYTES;
    return 0;
}

ByteSet glob_set_bytes(const GlobSet *set, uint32_t id)
{
    ByteSet one = {{0}};

    if (id >= GLOB_BYTES)
        return set->sets[id - GLOB_BYTES];
    byte_set_add(&one, id);
    return one;
}

/* Any byte of a field; without SLASH all but that. */
static int any_byte(GlobSet *set, bool slash, uint32_t *ret_id)
{
    ByteSet bytes = {{0}};

    for (unsigned b = 1; b < GLOB_BYTES; b++) {
        if (slash || b != '/')
            byte_set_add(&bytes, b);
    }
    return intern(set, &bytes, ret_id);
}

static int append_byte(Compiler *c, unsigned char byte)
{
    c->slash = byte == '/';
    return append_node(c, GLOB_NODE_BYTES, byte);
}

static int append_set(Compiler *c, const ByteSet *bytes)
{
    uint32_t id;
    const int r = intern(c->set, bytes, &id);

    c->wild = true;
    c->slash = false;
    return r < 0 ? r : append_node(c, GLOB_NODE_BYTES, id);
}

static int append_one(Compiler *c)
{
    uint32_t id;
    const int r = any_byte(c->set, false, &id);

    c->wild = true;
    c->slash = false;
    return r < 0 ? r : append_node(c, GLOB_NODE_BYTES, id);
}

/* AFTER is what follows the star: it tells if the star is a whole component. */
static int append_star(Compiler *c, bool slashes, char after)
{
    uint32_t id = GLOB_NONE, split, loop = GLOB_NONE;
    int r = 0;

    if (c->slash && (after == '/' || after == '\0'))
        r = append_one(c);
    c->wild = true;
    c->slash = false;
    if (r == 0)
        r = any_byte(c->set, slashes, &id);
    if (r == 0)
        r = append_node(c, GLOB_NODE_SPLIT, 0);
    if (r < 0)
        return r;
    split = c->tail;
    r = add_node(c, GLOB_NODE_BYTES, id, &loop);
    if (r < 0)
        return r;
    c->set->nodes[loop].next = split;
    c->set->nodes[split].other = loop;
    return 0;
}

static int open_brace(Compiler *c)
{
    uint32_t join = GLOB_NONE;
    int r;

    if (c->depth == GLOB_DEPTH_MAX)
        return -EINVAL;
    r = append_node(c, GLOB_NODE_SPLIT, 0);
    if (r == 0)
        r = add_node(c, GLOB_NODE_SPLIT, 0, &join);
    if (r < 0)
        return r;
    c->braces[c->depth++] = (Brace){.split = c->tail, .join = join};
    c->wild = true;
    c->slash = false;
    return 0;
}

static int next_branch(Compiler *c)
{
    Brace *brace = &c->braces[c->depth - 1];
    uint32_t split = GLOB_NONE;
    const int r = add_node(c, GLOB_NODE_SPLIT, 0, &split);

    if (r < 0)
        return r;
    c->set->nodes[c->tail].next = brace->join;
    c->set->nodes[brace->split].other = split;
    c->tail = brace->split = split;
    brace->comma = true;
    c->slash = false;
    return 0;
}

static int close_brace(Compiler *c)
{
    const Brace *brace = &c->braces[c->depth - 1];

    c->set->nodes[c->tail].next = brace->join;
    c->tail = brace->join;
    c->depth--;
    c->slash = false;
    return 0;
}

/* ---- syntaxes ---------------------------------------------------------------------------------
 */

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Digits of a numeric escape in BASE, DIGITS at most; at least one. */
static int read_number(const char **at, int base, int digits)
{
    int value = 0, read = 0;

    for (; read < digits; read++) {
        const int digit = hex_value(**at);
        if (digit < 0 || digit >= base)
            break;
        value = value * base + digit;
        (*at)++;
    }
    return read == 0 || value == 0 || value >= GLOB_BYTES ? -1 : value;
}

/* The byte that stands behind a backslash, as apparmor_parser has it. */
static int read_escape(const char **at)
{
    static const struct {
        char letter;
        unsigned char byte;
    } named[] = {{'a', 7},    {'e', 27},   {'f', '\f'}, {'n', '\n'},
                 {'r', '\r'}, {'t', '\t'}, {'b', '\b'}};
    const char c = **at;

    if (c == '\0')
        return -1;
    if (c >= '0' && c <= '7')
        return read_number(at, 8, 3);
    (*at)++;
    if (c == 'x')
        return read_number(at, 16, 2);
    if (c == 'd')
        return read_number(at, 10, 3);
    for (size_t i = 0; i < ARRAY_LENGTH(named); i++) {
        if (named[i].letter == c)
            return named[i].byte;
    }
    return (unsigned char)c;
}

/* One byte within [], or -1. */
static int read_member(const char **at)
{
    const char c = **at;

    if (c == '\0' || c == '*' || c == '?' || c == '[')
        return -1;
    (*at)++;
    return c == '\\' ? read_escape(at) : (unsigned char)c;
}

/* "[a-z]", "[^/]": *AT is behind the first bracket, and gets behind the last. */
static int append_class(Compiler *c, const char **at)
{
    ByteSet bytes = {{0}};
    const bool inverted = **at == '^';

    if (inverted)
        (*at)++;
    if (**at == ']')
        return -EINVAL;
    while (**at != ']') {
        const int first = read_member(at);
        int last = first;
        if (first < 0)
            return -EINVAL;
        if ((*at)[0] == '-' && (*at)[1] != ']') {
            (*at)++;
            last = read_member(at);
            if (last < first)
                return -EINVAL;
        }
        for (int b = first; b <= last; b++)
            byte_set_add(&bytes, (unsigned)b);
    }
    (*at)++;
    if (inverted) {
        for (size_t i = 0; i < ARRAY_LENGTH(bytes.bits); i++)
            bytes.bits[i] = ~bytes.bits[i];
    }
    bytes.bits[0] &= ~(uint64_t)1; /* no path has a NUL */
    return append_set(c, &bytes);
}

static char after_stars(const char *at)
{
    return at[strspn(at, "*")];
}

static int compile_apparmor_element(Compiler *c, const char **at)
{
    const char special = *(*at)++;

    switch (special) {
    case '\\': {
        const int byte = read_escape(at);
        return byte < 0 ? -EINVAL : append_byte(c, (unsigned char)byte);
    }
    case '?':
        return append_one(c);
    case '[':
        return append_class(c, at);
    case '{':
        return open_brace(c);
    case '}':
        return c->depth == 0 || !c->braces[c->depth - 1].comma ? -EINVAL : close_brace(c);
    case ',':
        return c->depth > 0 ? next_branch(c) : append_byte(c, ',');
    case '*':
        if (**at != '*')
            return append_star(c, false, **at);
        (*at)++;
        return append_star(c, true, after_stars(*at));
    case ']':
        return -EINVAL;
    default:
        return append_byte(c, (unsigned char)special);
    }
}

static int compile_apparmor(Compiler *c)
{
    const char *at = c->pattern;
    int r = 0;

    while (*at && r == 0)
        r = compile_apparmor_element(c, &at);
    return r < 0 ? r : (c->depth > 0 ? -EINVAL : 0);
}

static int compile_policy_token(Compiler *c, const PatternToken *token, const char *rest)
{
    const char *at;
    int r = 0;

    switch (token->kind) {
    case PATTERN_BYTE:
        return append_byte(c, token->byte);
    case PATTERN_ONE:
        return append_one(c);
    case PATTERN_STAR:
        return append_star(c, false, *rest);
    case PATTERN_GLOBSTAR:
        return append_star(c, true, after_stars(rest));
    case PATTERN_CLASS:
        at = token->text + 1;
        return append_class(c, &at);
    case PATTERN_OPEN:
        return open_brace(c);
    case PATTERN_COMMA:
        return next_branch(c);
    case PATTERN_CLOSE:
        return close_brace(c);
    case PATTERN_VARIABLE:
        for (at = apparmor_pid_pattern; *at && r == 0;)
            r = compile_apparmor_element(c, &at);
        return r;
    case PATTERN_END:
        break;
    }
    return 0;
}

static int compile_policy(Compiler *c)
{
    PatternReader reader = {.at = c->pattern};
    PatternToken token;

    for (;;) {
        int r = pattern_next(&reader, &token);
        if (r < 0 || token.kind == PATTERN_END)
            return r;
        r = compile_policy_token(c, &token, reader.at);
        if (r < 0)
            return r;
    }
}

static int compile_pattern(Compiler *c, GlobSyntax syntax, const char *pattern)
{
    c->pattern = pattern;
    c->slash = false;
    if (strlen(pattern) > GLOB_PATTERN_MAX)
        return -E2BIG;
    return syntax == GLOB_POLICY ? compile_policy(c) : compile_apparmor(c);
}

/* The union of a field's patterns, or anything. */
static int compile_field(Compiler *c, GlobSyntax syntax, const GlobField *field)
{
    int r;

    if (field->count == 0) {
        c->slash = false;
        return append_star(c, true, '\0');
    }
    if (field->count == 1)
        return compile_pattern(c, syntax, field->patterns[0]);
    r = open_brace(c);
    for (size_t i = 0; i < field->count && r == 0; i++) {
        /* The braces of a pattern are its own: what is open here is not. */
        const Brace outer = c->braces[0];
        c->depth = 0;
        r = compile_pattern(c, syntax, field->patterns[i]);
        c->braces[0] = outer;
        c->depth = 1;
        if (r == 0 && i + 1 < field->count)
            r = next_branch(c);
    }
    return r < 0 ? r : close_brace(c);
}

/* Loops over any byte right before the end of the pattern. */
static void mark_endless(GlobSet *set, size_t first)
{
    for (size_t i = first; i < set->nodes_count; i++) {
        GlobNode *node = &set->nodes[i];
        uint32_t next = node->next;
        if (node->kind != GLOB_NODE_BYTES || next == GLOB_NONE || set->nodes[next].other != i)
            continue;
        while (set->nodes[next].kind == GLOB_NODE_SPLIT)
            next = set->nodes[next].next;
        const ByteSet bytes = glob_set_bytes(set, node->set);
        node->endless = set->nodes[next].kind == GLOB_NODE_MATCH && byte_set_has(&bytes, '/') &&
                        (bytes.bits[0] | 1) == UINT64_MAX && bytes.bits[1] == UINT64_MAX &&
                        bytes.bits[2] == UINT64_MAX && bytes.bits[3] == UINT64_MAX;
    }
}

int glob_set_add_fields(GlobSet *set, GlobSyntax syntax, const GlobField *fields, size_t count,
                        size_t *ret_id, Error *err)
{
    const size_t nodes = set->nodes_count;
    Compiler c = {.set = set, .owner = (uint32_t)set->patterns_count, .tail = GLOB_NONE};
    int r;

    if (array_reserve(&set->patterns, &set->patterns_capacity, set->patterns_count,
                      sizeof *set->patterns) < 0)
        return error_errno(err, -ENOMEM, "patterns");
    r = append_node(&c, GLOB_NODE_SPLIT, 0);
    for (size_t i = 0; i < count && r == 0; i++) {
        if (i > 0)
            r = append_byte(&c, GLOB_SEPARATOR);
        if (r == 0)
            r = compile_field(&c, syntax, &fields[i]);
    }
    if (r == 0)
        r = append_node(&c, GLOB_NODE_MATCH, 0);
    if (r < 0) {
        set->nodes_count = nodes;
        if (r == -EINVAL)
            return error_set(err, r,
                             "\"%.200s\" is no path pattern: close what \"[\" and \"{\" open, and "
                             "write a special character as \\%s",
                             c.pattern ? c.pattern : "", syntax == GLOB_POLICY ? "xHH" : "ooo");
        return error_errno(err, r, "the pattern \"%.200s\"", c.pattern ? c.pattern : "");
    }
    mark_endless(set, nodes);
    set->patterns[c.owner].literal = !c.wild;
    set->patterns[c.owner].end = (uint32_t)set->nodes_count;
    *ret_id = set->patterns_count++;
    return 0;
}

int glob_set_add(GlobSet *set, GlobSyntax syntax, const char *pattern, size_t *ret_id, Error *err)
{
    const GlobField field = {.patterns = &pattern, .count = 1};

    return glob_set_add_fields(set, syntax, &field, 1, ret_id, err);
}

GlobSet *glob_set_new(void)
{
    return calloc(1, sizeof(GlobSet));
}

GlobSet *glob_set_free(GlobSet *set)
{
    if (set) {
        free(set->nodes);
        free(set->sets);
        free(set->patterns);
        free(set);
    }
    return NULL;
}

void glob_set_cleanup(GlobSet **set)
{
    *set = glob_set_free(*set);
}
